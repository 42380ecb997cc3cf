"""The ways in which OpenNebula refuses a call, as errors."""

from __future__ import annotations

from ...errors import BackendError


class Unanswered(BackendError):
    """A server did not answer, or not now: another one may."""


class NoSuchObject(BackendError):
    """OpenNebula has none with this number."""


class AccessDenied(BackendError):
    """OpenNebula's account may not do this."""


class LoginRefused(BackendError):
    """OpenNebula does not know the account, or its password is another."""


class NotUnderstood(BackendError):
    """OpenNebula does not know the call, or not with these parameters."""
