"""Errors of requests to start, stop or reset a machine."""

from __future__ import annotations

from .root import VNCProxyError


class PowerError(VNCProxyError):
    """A machine was not started, stopped or reset."""

    public = "The virtual machine could not be started, stopped or reset."
    status = 502
    close_code = 4101
    code = "power-failed"


class PowerStateUnfit(PowerError):
    """The machine's state does not allow it.

    Args:
        state: completes "The virtual machine is …": ``running``, ``shut off``.
    """

    status = 409
    close_code = 4100
    code = "power-state"

    def __init__(self, state: str = "in another state", detail: str = "") -> None:
        super().__init__(detail or state, public=f"The virtual machine is {state}.")
        self.state = state


class PowerUnsupported(PowerError):
    """The backend cannot do it, or is not configured to."""

    public = "This cannot be done to the virtual machine from here."
    status = 422
    close_code = 4100
    code = "power-unsupported"


class PowerDenied(PowerError):
    """The hypervisor does not allow it to the proxy's account."""

    public = "The hypervisor does not allow this to the console service."
    code = "power-denied"
    ask_administrator = True


class PowerTooOften(PowerError):
    """A user has asked for too many of them within a minute."""

    public = "That was asked for too often. Try again in a minute."
    status = 429
    close_code = 4102
    code = "power-too-often"
    retry_after = 60
