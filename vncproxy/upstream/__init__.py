"""The hypervisor's side: from an endpoint to a leg whose handshakes are over."""

from .reach import Console, reach, try_login

__all__ = ["Console", "reach", "try_login"]
