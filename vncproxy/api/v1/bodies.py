"""The JSON of requests, with the field that is wrong, and of answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import ErrorDetails

from ...model import (
    ConsoleType,
    Ended,
    Policy,
    Seconds,
    SessionInfo,
    Token,
    TokenStatus,
    Unconfirmed,
    UnixTime,
    VMAddress,
    VMSummary,
)
from ...text import has_control
from ...tokens.issuing import IssueRequest
from ..reply import Refusal, Reply

MAX_BODY = 64 * 1024
"""The largest request body in bytes."""

_HINTS = {
    "client_networks": "must be an IP network without host bits, such as 10.0.0.0/8 or fd00::/8",
}
_POLICY = TypeAdapter(Policy)


def _vm(value: object) -> VMAddress:
    return VMAddress.parse(value if isinstance(value, str) else "")


def _user(text: str) -> str:
    if has_control(text):
        raise ValueError("should hold no control characters, and none that turn text around")
    return text


User = Annotated[str, StringConstraints(min_length=1, max_length=256), AfterValidator(_user)]


class TokenRequest(BaseModel):
    """The body of ``POST /v1/tokens``.

    Attributes:
        check: whether the machine must exist, by its backend.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    vm: Annotated[VMAddress, PlainValidator(_vm)]
    user: User
    type: ConsoleType = ConsoleType.NOVNC
    ttl: Seconds | None = None
    policy: Policy = Field(default_factory=Policy)
    check: bool = False

    def for_issuer(self) -> IssueRequest:
        """Return the request for the issuer of tokens."""
        return IssueRequest(self.vm, self.user, self.type, self.policy, self.ttl, self.check)


def token_request(body: bytes) -> TokenRequest:
    """Read the body of ``POST /v1/tokens``.

    Raises:
        Refusal: 400 when it is not JSON, 413 when it is too long, 422 with the field otherwise.
    """
    if len(body) > MAX_BODY:
        raise Refusal(413, "body-too-large", f"a body has at most {MAX_BODY} bytes")
    try:
        return TokenRequest.model_validate_json(body)
    except ValidationError as e:
        raise _refusal(e.errors(include_url=False, include_input=False)) from e


def _refusal(errors: Sequence[ErrorDetails]) -> Refusal:
    error = errors[0]
    if error["type"] == "json_invalid":
        return Refusal(400, "bad-request", f"the body is not JSON: {error['msg']}")
    path = _path(error["loc"])
    return Refusal(422, "invalid-field", _message(error, path), field=".".join(path) or None)


def _path(loc: tuple[int | str, ...]) -> list[str]:
    """Leave out what pydantic adds after a list's index: the names of a union's members."""
    end = next((n + 1 for n, part in enumerate(loc) if isinstance(part, int)), len(loc))
    return [str(part) for part in loc[:end]]


def _message(error: ErrorDetails, path: Sequence[str]) -> str:
    match error["type"]:
        case "missing":
            return "is required"
        case "extra_forbidden" | "unexpected_keyword_argument":
            return f"is not known; known are {', '.join(_known(path))}"
        case "value_error" if hint := next((_HINTS[p] for p in path if p in _HINTS), ""):
            return hint
        case "value_error":
            return str(error["ctx"]["error"])
    return error["msg"].replace("Input should", "should").replace("String should", "should")


def _known(path: Sequence[str]) -> list[str]:
    model: Any = Policy if path[0] == "policy" and len(path) > 1 else TokenRequest
    return list(model.__dataclass_fields__ if model is Policy else model.model_fields)


def timestamp(when: UnixTime) -> str:
    """Return a time as RFC 3339 in UTC with whole seconds."""
    return datetime.fromtimestamp(int(when), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def token_body(token: Token) -> dict[str, object]:
    """Return the JSON of an issued token."""
    return {
        "vm": str(token.vm),
        "user": token.user,
        "type": token.type.value,
        "issued_at": timestamp(token.issued_at),
        "expires_at": timestamp(token.expires_at),
        "policy": _POLICY.dump_python(token.policy, mode="json"),
    }


def status_body(status: TokenStatus) -> dict[str, object]:
    """Return a stored token with its id; ``uses_left`` is null when unlimited."""
    return {"id": status.id, **token_body(status.token), "uses_left": status.uses_left}


def session_body(session: SessionInfo) -> dict[str, object]:
    """Return a live session; while it is opening, what is not known yet is null."""
    return {
        "id": session.id,
        "token_id": session.token_id or None,
        "vm": str(session.vm) if session.vm else None,
        "user": session.user or None,
        "type": session.type.value,
        "client": session.client,
        "proxy": session.proxy or None,
        "zone": session.zone or None,
        "host": session.host or None,
        "started_at": timestamp(session.started_at),
        "seconds": round(session.seconds, 1),
        "bytes_down": session.bytes_down,
        "bytes_up": session.bytes_up,
    }


def ended_reply(ended: Ended, **more: object) -> Reply:
    """Return how many sessions ended; 207 with the processes that did not answer in time, if any.

    Args:
        more: further members.
    """
    return with_unconfirmed(200, {**more, "ended": ended.count}, ended.unconfirmed)


def with_unconfirmed(
    status: int, body: dict[str, object], unconfirmed: Sequence[Unconfirmed]
) -> Reply:
    """Return a reply; 207 with the processes that did not answer in time, if there are any."""
    if not unconfirmed:
        return Reply(status, body)
    late = [{"proxy": e.proxy, "name": e.name, "worker": e.worker} for e in unconfirmed]
    return Reply(207, {**body, "unconfirmed": late})


def vm_body(machine: VMSummary) -> dict[str, object]:
    """Return a machine of a list."""
    return {"vm": str(machine.vm), "name": machine.name, "state": machine.state}
