"""Failures of commands: one sentence on standard error, and an exit status by the cause."""

from __future__ import annotations

from click import ClickException


class Refused(ClickException):
    """The API refused, or has no such object."""

    exit_code = 1


class Misconfigured(ClickException):
    """The command line, the key or the configuration is invalid."""

    exit_code = 2


class Unreachable(ClickException):
    """No vncproxy API answers."""

    exit_code = 3
