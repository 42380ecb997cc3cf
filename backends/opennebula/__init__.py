"""Consoles of machines that OpenNebula runs: type ``opennebula``.

- `backend`: `OpenNebulaBackend`, one OpenNebula and those behind its hybrid hosts.
- `settings`: the table of the configuration.
- `cloud`: one OpenNebula: look-up and inventory of machines, version and account.
- `connection`: its servers, called through pyone in their order.
- `http`: one request within limits of time and size.
- `machines`: a machine's document, as far as its console is concerned.
- `power`: starts, stops and resets machines.
- `console`: the endpoint of a machine on a host of its own cloud.
- `federation`: machines of other zones, as the zone pool has them.
- `hosts`: on which host of its own cloud a machine is.
- `hybrid`: machines that run in another OpenNebula.
- `vcenter`: machines that run in a vCenter.
- `states`: STATE and LCM_STATE in words.
- `errors`: the ways in which OpenNebula refuses a call.
- `probe`: clouds and consoles that cannot be reached, for ``check-config``.
"""

from .backend import OpenNebulaBackend

__all__ = ["OpenNebulaBackend"]
