"""Errors of virtual machines that have no console to show."""

from __future__ import annotations

from .root import VNCProxyError


class ConsoleError(VNCProxyError):
    """The virtual machine has no console to show."""


class VMNotFound(ConsoleError):
    """The backend has no such virtual machine."""

    public = "The virtual machine was not found."
    status = 404
    close_code = 4004
    code = "vm-not-found"


class ConsoleUnavailable(ConsoleError):
    """The virtual machine exists, but has no screen in its present state.

    Args:
        state: completes "The virtual machine is …": ``shut off``, ``paused by an I/O error``.

    Attributes:
        is_off: whether it is certainly off, since its zone says so; its backend is asked otherwise.
    """

    is_off = False

    status = 409
    close_code = 4100
    code = "console-unavailable"

    def __init__(self, state: str, detail: str = "", *, public: str | None = None) -> None:
        super().__init__(detail or state, public=public or f"The virtual machine is {state}.")
        self.state = state


class MachineOff(ConsoleUnavailable):
    """The virtual machine is off, and the user may start it.

    Args:
        can_start: whether the user's page has a button for it.
    """

    close_code = 4130
    code = "machine-off"

    def __init__(self, state: str, detail: str = "", *, can_start: bool = True) -> None:
        how = "" if can_start else " Start it where you got this link, then reconnect."
        super().__init__(state, detail, public=f"The virtual machine is {state}.{how}")


class NoGraphicalConsole(ConsoleUnavailable):
    """The virtual machine is configured without a screen."""

    close_code = 4009
    code = "no-graphical-console"

    def __init__(self, detail: str = "", *, public: str | None = None) -> None:
        super().__init__(
            "without a graphical console",
            detail,
            public=public or "The virtual machine has no graphical console.",
        )
