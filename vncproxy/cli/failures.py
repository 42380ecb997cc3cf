"""How a command fails: one sentence on standard error, and an exit status that says whose fault."""

from __future__ import annotations

from click import ClickException


class Refused(ClickException):
    """The API refused, or there is no such thing.

    Args:
        code: the API's word for it.
    """

    exit_code = 1

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class Misconfigured(ClickException):
    """The command line, the key or the configuration cannot work."""

    exit_code = 2


class Unreachable(ClickException):
    """Nothing that is vncproxy's API answers."""

    exit_code = 3
