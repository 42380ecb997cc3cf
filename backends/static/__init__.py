"""The backend of type ``static``."""

from .backend import StaticBackend

__all__ = ["StaticBackend"]
