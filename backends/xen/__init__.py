"""The backend of type ``xen``."""

from .backend import XenBackend

__all__ = ["XenBackend"]
