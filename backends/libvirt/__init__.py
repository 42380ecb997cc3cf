"""The backend of type ``libvirt``."""

from .backend import LibvirtBackend

__all__ = ["LibvirtBackend"]
