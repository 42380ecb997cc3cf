"""The hypervisor's side: from an endpoint to a leg whose handshakes are over."""

from .reach import Console, is_vnc_server, reach, try_login

__all__ = ["Console", "is_vnc_server", "reach", "try_login"]
