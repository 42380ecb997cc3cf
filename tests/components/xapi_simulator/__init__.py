"""A pool of XenServer hosts without Xen: its XAPI, and consoles of real VNC servers.

`Pool` holds hosts, machines, consoles and sessions, and may be changed at any time; `serve` lets
each of its hosts listen. It behaves as XAPI's documentation and sources say, and is tried with
clients of the real one.
"""

from .pool import Host, Machine, Pool, Refusal
from .server import serve

__all__ = ["Host", "Machine", "Pool", "Refusal", "serve"]
