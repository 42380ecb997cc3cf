"""The JSON of requests for consoles, checked as Nova's schemas check it."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from ..v1.bodies import MAX_BODY
from .faults import Fault

ACTION: Final = "os-getVNCConsole"

OTHER_ACTIONS: Final = {
    "os-getSPICEConsole": "spice-html5",
    "os-getSerialConsole": "serial",
    "os-getRDPConsole": "rdp-html5",
}
"""Actions for consoles that are not VNC, with the type that a message names."""

VNC: Final = "vnc"

_BODY: Final = TypeAdapter(dict[str, Any])


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class RemoteConsole(_Strict):
    """The member ``remote_console`` of a request, from 2.6 on."""

    protocol: Literal["vnc", "spice", "serial", "rdp", "mks"]
    type: Literal["novnc", "xvpvnc", "spice-html5", "spice-direct", "serial", "rdp-html5", "webmks"]


class VNCConsole(_Strict):
    """The member ``os-getVNCConsole`` of an action, up to 2.5."""

    type: Literal["novnc", "xvpvnc"]


M = TypeVar("M", bound=_Strict)


def remote_console(body: bytes) -> RemoteConsole:
    """Read the body of ``POST /servers/{id}/remote-consoles``.

    Raises:
        Fault: 400, with the member that is wrong; 413.
    """
    members = _members(body)
    name, value = _only_member(members, "remote_console")
    if name != "remote_console":
        raise _unexpected(name)
    return _read(RemoteConsole, value, name)


def vnc_console(body: bytes) -> VNCConsole:
    """Read the body of ``POST /servers/{id}/action``.

    Raises:
        Fault: 400, it is no action, or one for a console of another kind; 413.
    """
    name, value = _only_member(_members(body), ACTION)
    if name in OTHER_ACTIONS:
        raise unavailable(OTHER_ACTIONS[name])
    if name != ACTION:
        raise Fault(400, f"There is no such action: {name[:100]}")
    return _read(VNCConsole, value, name)


def unavailable(console_type: str) -> Fault:
    """Return Nova's answer to a request for a type of console that is not served."""
    return Fault(400, f"Unavailable console type {console_type}.")


def _members(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_BODY:
        raise Fault(413, f"Request is too large: a body has at most {MAX_BODY} bytes.")
    try:
        return _BODY.validate_json(body)
    except ValidationError as e:
        raise Fault(400, "Malformed request body") from e


def _only_member(members: dict[str, Any], wanted: str) -> tuple[str, Any]:
    if not members:
        raise Fault(
            400,
            f"Invalid input for field/attribute {wanted}. '{wanted}' is a required property",
        )
    if len(members) > 1:
        raise _unexpected(next(name for name in members if name != wanted))
    return next(iter(members.items()))


def _unexpected(name: str) -> Fault:
    message = "Additional properties are not allowed"
    return Fault(400, f"{message} ({name[:100]!r} was unexpected)")


def _read(model: type[M], value: object, name: str) -> M:
    try:
        return model.model_validate(value)
    except ValidationError as e:
        raise _invalid(e, name, value) from e


def _invalid(error: ValidationError, member: str, value: object) -> Fault:
    """Return a message in the words of Nova's schemas."""
    first = error.errors(include_url=False)[0]
    field = str(first["loc"][0]) if first["loc"] else member
    match first["type"]:
        case "missing":
            text = f"{field!r} is a required property"
            field = member
        case "extra_forbidden":
            return _unexpected(field)
        case "literal_error":
            text = f"{first['input']!r} is not one of {first['ctx']['expected']}"
        case _:
            text = f"{type(value).__name__} is not of type 'object'"
    return Fault(400, f"Invalid input for field/attribute {field}. {text[:300]}")
