"""The ways in which OpenNebula refuses a call, as errors."""

from __future__ import annotations

from ...errors import BackendError


class Unanswered(BackendError):
    """A server did not answer, or cannot at present; another one may."""


class NoSuchObject(BackendError):
    """OpenNebula has no object with this number."""


class AccessDenied(BackendError):
    """The account has no right to this in OpenNebula."""


class LoginRefused(BackendError):
    """OpenNebula does not know the account, or the password is wrong."""


class WrongState(BackendError):
    """The object's state does not allow the call."""


class NotUnderstood(BackendError):
    """OpenNebula does not know the call, or not with these parameters."""
