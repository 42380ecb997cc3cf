"""The backend of type ``vmware``."""

from .backend import VMwareBackend

__all__ = ["VMwareBackend"]
