"""Graphical consoles of bare metal nodes: type ``ironic``, OpenStack Ironic 2025.1 and later.

- `backend`: `IronicBackend`, one Ironic.
- `settings`: the table of the configuration.
- `machines`: look-up and inventory of nodes, and their consoles started.
- `console`: the endpoint of a node's console.
- `states`: the states of a node in words.
- `errors`: the ways in which Ironic refuses a call.
"""

from .backend import IronicBackend

__all__ = ["IronicBackend"]
