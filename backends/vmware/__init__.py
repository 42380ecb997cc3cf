"""Consoles of machines that VMware vSphere runs: type ``vmware``.

- `backend`: `VMwareBackend`, one vCenter or ESXi host.
- `settings`: the table of the configuration.
- `connection`: one login that threads share, made again when it ended.
- `soap`: pyvmomi's stub with verified TLS and time limits.
- `properties`: properties of managed objects, many in one request.
- `machines`: look-up and inventory of machines.
- `power`: starts, stops and resets machines.
- `hosts`: on which host a machine is, and in which cluster.
- `console`: the console of a machine: a ticket, or its VNC server.
- `ticket`: from a WebMKS ticket to a secure web socket.
- `vnc`: the VNC servers of ESXi before 7.0.
- `address`: where an ESXi host is dialled.
- `states`: power and connection states in words.
- `errors`: vSphere's faults in words.
- `probe`: missing privileges and hosts that cannot be reached, for ``check-config``.
"""

from .backend import VMwareBackend

__all__ = ["VMwareBackend"]
