"""Machines of backends."""

from __future__ import annotations

from typing_extensions import TypedDict


class Machine(TypedDict):
    """A machine of a backend.

    Attributes:
        vm: ``<backend>/<id>``, as tokens are issued for it.
        name: for people.
        state: in the backend's words.
    """

    vm: str
    name: str
    state: str


class BackendFailure(TypedDict):
    """A backend that could not list its machines."""

    backend: str
    code: str
    message: str


class MachineList(TypedDict):
    """The machines of all backends.

    Attributes:
        errors: the backends whose machines are missing.
    """

    vms: list[Machine]
    errors: list[BackendFailure]
