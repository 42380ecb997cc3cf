"""The JSON of requests, with the field that is wrong, and of answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import ErrorDetails

from ...answers import Approval as ApprovalBody
from ...answers import (
    ChangedSession,
    Confirmed,
    EndedSessions,
    IssuedToken,
    LateProcess,
    Machine,
    MessagedSession,
    Revocation,
    Session,
    StoredToken,
)
from ...answers import Token as TokenBody
from ...model import (
    VM_PATTERN,
    Approval,
    Changed,
    ConsoleType,
    Ended,
    Joins,
    Messaged,
    Mode,
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
from ...text import CONTROL, has_control
from ...tokens.issuing import MOST_HOPS, IssueRequest
from ...tokens.issuing import IssuedToken as Issued
from ..reply import Refusal, Reply

MAX_BODY = 64 * 1024
"""The largest request body in bytes."""

LONGEST_MESSAGE = 500
"""Characters of a message to a user."""

_HINTS = {
    "client_networks": "must be an IP network without host bits, such as 10.0.0.0/8 or fd00::/8",
}
_POLICY = TypeAdapter(Policy)
_SURROGATES = r"\ud800-\udfff"
"""Part of `CONTROL`; JSON in UTF-8 has none, and not every reader of a schema allows them."""

Model = TypeVar("Model", bound=BaseModel)
Order = TypeVar("Order", bound=Confirmed)


def read_vm(value: object) -> VMAddress:
    """Read the address of a machine, for bodies.

    Raises:
        ValueError: it is none.
    """
    return VMAddress.parse(value if isinstance(value, str) else "")


def _user(text: str) -> str:
    if has_control(text):
        raise ValueError("should hold no control characters, and none that turn text around")
    return text


def _whole(pattern: str) -> str:
    """Return a pattern for a schema, whose patterns are searched for unless they are anchored."""
    return f"^{pattern.replace(_SURROGATES, '')}$"


VM_SCHEMA = {"type": "string", "pattern": _whole(VM_PATTERN), "examples": ["kvm/web-01"]}
USER_SCHEMA = {
    "type": "string",
    "minLength": 1,
    "maxLength": 256,
    "pattern": _whole(f"[^{CONTROL}]*"),
    "examples": ["alice"],
}

User = Annotated[
    str,
    StringConstraints(min_length=1, max_length=256),
    AfterValidator(_user),
    WithJsonSchema(USER_SCHEMA),
]


class TokenRequest(BaseModel):
    """What a token is issued for.

    Attributes:
        vm: the machine: ``<backend>/<id>``, ``<zone>/<backend>/<id>`` for one of another zone.
        user: as named in the audit log; without control characters.
        type: for browsers, or for TCP viewers.
        ttl: seconds for which it can be redeemed, at most ``[tokens] max_ttl``; null for
            ``[tokens] ttl``.
        policy: what it allows.
        check: whether the backend is asked first if the machine exists.
        running: whether the machine must be on.
        hops: for proxies that pass a request on: how many it has come by.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    vm: Annotated[VMAddress, PlainValidator(read_vm), WithJsonSchema(VM_SCHEMA)]
    user: User
    type: ConsoleType = ConsoleType.NOVNC
    ttl: Seconds | None = None
    policy: Policy = Field(default_factory=Policy)
    check: bool = False
    running: bool = False
    hops: Annotated[int, Field(ge=0, le=MOST_HOPS)] = 0

    def for_issuer(self) -> IssueRequest:
        """Return the request for the issuer of tokens."""
        return IssueRequest(
            self.vm,
            self.user,
            self.type,
            self.policy,
            self.ttl,
            self.check,
            hops=self.hops,
            running=self.running,
        )


class SessionRequest(BaseModel):
    """What is to change of a live session.

    Attributes:
        mode: whether its user may control the machine from now on.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    mode: Mode


class MessageRequest(BaseModel):
    """What the user of a session is shown.

    Attributes:
        text: one paragraph, without control characters and those that turn text around.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    text: Annotated[
        str,
        StringConstraints(min_length=1, max_length=LONGEST_MESSAGE, strip_whitespace=True),
        AfterValidator(_user),
        WithJsonSchema(
            {**USER_SCHEMA, "maxLength": LONGEST_MESSAGE, "examples": ["Maintenance at 18:00."]}
        ),
    ]


def read_body(model: type[Model], body: bytes) -> Model:
    """Read the JSON of a request.

    Raises:
        Refusal: 400 when it is not JSON, 413 when it is too long, 422 with the field otherwise.
    """
    if len(body) > MAX_BODY:
        raise Refusal(413, "body-too-large", f"a body has at most {MAX_BODY} bytes")
    try:
        return model.model_validate_json(body)
    except ValidationError as e:
        raise _refusal(model, e.errors(include_url=False, include_input=False)) from e


def _refusal(model: type[BaseModel], errors: Sequence[ErrorDetails]) -> Refusal:
    error = errors[0]
    if error["type"] == "json_invalid":
        return Refusal(400, "bad-request", f"the body is not JSON: {error['msg']}")
    path = _path(error["loc"])
    message = _message(model, error, path)
    return Refusal(422, "invalid-field", message, field=".".join(path) or None)


def _path(loc: tuple[int | str, ...]) -> list[str]:
    """Leave out what pydantic adds after a list's index: the names of a union's members."""
    end = next((n + 1 for n, part in enumerate(loc) if isinstance(part, int)), len(loc))
    return [str(part) for part in loc[:end]]


def _message(model: type[BaseModel], error: ErrorDetails, path: Sequence[str]) -> str:
    match error["type"]:
        case "missing":
            return "is required"
        case "extra_forbidden" | "unexpected_keyword_argument":
            return f"is not known; known are {', '.join(_known(model, path))}"
        case "value_error" if hint := next((_HINTS[p] for p in path if p in _HINTS), ""):
            return hint
        case "value_error":
            return str(error["ctx"]["error"])
    return error["msg"].replace("Input should", "should").replace("String should", "should")


def _known(model: type[BaseModel], path: Sequence[str]) -> list[str]:
    if path[0] == "policy" and len(path) > 1:
        kind: Any = model.model_fields["policy"].annotation
        return list(kind.__dataclass_fields__)
    return list(model.model_fields)


def timestamp(when: UnixTime) -> str:
    """Return a time as RFC 3339 in UTC with whole seconds."""
    return datetime.fromtimestamp(int(when), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def token_body(token: Token) -> TokenBody:
    """Return the JSON of an issued token."""
    body: TokenBody = {
        "vm": str(token.vm),
        "user": token.user,
        "type": token.type.value,
        "issued_at": timestamp(token.issued_at),
        "expires_at": timestamp(token.expires_at),
        "policy": _POLICY.dump_python(token.policy, mode="json"),
    }
    body |= _joins(token.joins)
    return body


def _joins(joins: Joins | None) -> Any:
    """Return the member that says which session was joined, where one was."""
    return {} if joins is None else {"joins": joins.members()}


def issued_body(issued: Issued) -> IssuedToken:
    """Return a new token with its secret."""
    body: IssuedToken = {
        "id": issued.id,
        "token": issued.secret,
        "url": issued.url,
        **token_body(issued.token),  # type: ignore[typeddict-item]  # without what may be missing
    }
    if issued.rfb_address:
        body["rfb_address"] = issued.rfb_address
    return body


def status_body(status: TokenStatus) -> StoredToken:
    """Return a stored token with its id; ``uses_left`` is null when unlimited."""
    return {"id": status.id, **token_body(status.token), "uses_left": status.uses_left}


def session_body(session: SessionInfo) -> Session:
    """Return a live session; while it is opening, what is not known yet is null."""
    body: Session = {
        "id": session.id,
        "token_id": session.token_id or None,
        "vm": str(session.vm) if session.vm else None,
        "user": session.user or None,
        "type": session.kind,
        "client": session.client,
        "proxy": session.proxy or None,
        "zone": session.zone or None,
        "host": session.host or None,
        "mode": session.mode.value,
        "started_at": timestamp(session.started_at),
        "seconds": round(session.seconds, 1),
        "bytes_down": session.bytes_down,
        "bytes_up": session.bytes_up,
        "state": session.state.value,
        "approval": _approval(session.approval),
    }
    if session.border is not None:
        border: Any = session.border.members()
        body |= border
    body |= _joins(session.joins)
    return body


def _approval(approval: Approval | None) -> ApprovalBody | None:
    return None if approval is None else {"needed": approval.needed, "by": list(approval.by)}


def revoked_reply(revoked: int, ended: Ended) -> Reply[Revocation]:
    """Return how many tokens were revoked, and how many sessions ended."""
    return with_unconfirmed(200, Revocation(revoked=revoked, ended=ended.count), ended.unconfirmed)


def changed_reply(mode: Mode, changed: Changed) -> Reply[ChangedSession]:
    """Return what became of the change of a session's mode."""
    body = ChangedSession(mode=mode.value, reenters=changed.reenters)
    return with_unconfirmed(200, body, changed.unconfirmed)


def messaged_reply(messaged: Messaged) -> Reply[MessagedSession]:
    """Return what became of a message."""
    return with_unconfirmed(200, MessagedSession(shown=messaged.shown), messaged.unconfirmed)


def ended_reply(ended: Ended, revoked: int | None = None) -> Reply[EndedSessions]:
    """Return how many sessions ended.

    Args:
        revoked: how many tokens were, where that was asked for.
    """
    body = EndedSessions(ended=ended.count)
    if revoked is not None:
        body["revoked"] = revoked
    return with_unconfirmed(200, body, ended.unconfirmed)


def with_unconfirmed(status: int, body: Order, unconfirmed: Sequence[Unconfirmed]) -> Reply[Order]:
    """Return a reply; 207 with the processes that did not answer in time, if there are any."""
    if not unconfirmed:
        return Reply(status, body)
    body["unconfirmed"] = [
        LateProcess(proxy=each.proxy, name=each.name, worker=each.worker) for each in unconfirmed
    ]
    return Reply(207, body)


def vm_body(machine: VMSummary) -> Machine:
    """Return a machine of a list."""
    return {"vm": str(machine.vm), "name": machine.name, "state": machine.state}
