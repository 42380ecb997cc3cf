"""Consoles of machines in a pool of XenServer or XCP-ng hosts: type ``xen``.

- `backend`: `XenBackend`, one pool.
- `settings`: the table of the configuration.
- `connection`: one session that threads share, made again when it is lost.
- `login`: the way to the pool's master, and the session there.
- `transport`: XML-RPC within a time limit.
- `machines`: look-up and inventory of machines.
- `power`: starts, stops and resets machines.
- `console`: from a console's location to its endpoint.
- `states`: the power states of a machine in words.
- `errors`: XAPI's errors, with what can be done about them.
- `refusals`: the answers of a host to ``CONNECT``.
- `probe`: hosts that cannot be reached or verified, for ``check-config``.
"""

from .backend import XenBackend

__all__ = ["XenBackend"]
