"""The backend of type ``opennebula``."""

from .backend import OpenNebulaBackend

__all__ = ["OpenNebulaBackend"]
