"""Why requests fail: the status and the code of each reason, for the description of the API."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ... import errors
from ...answers import ErrorAnswer, Unready
from ...errors import (
    AtAnotherProxy,
    BackendError,
    Busy,
    ConsoleError,
    ConsoleOccupied,
    ConsoleUnavailable,
    Forbidden,
    HypervisorError,
    KeysInterrupted,
    ModeFixed,
    OutsideHours,
    OverLimit,
    PolicyUnsupported,
    PowerDenied,
    PowerStateUnfit,
    PowerUnsupported,
    StoreUnavailable,
    TokenRefused,
    TokenUnknown,
    VMNotFound,
    VNCProxyError,
    ZoneError,
)
from ...review.shelf import RecordingsUnavailable
from ...together.links import CannotJoin
from ...tokens.refusals import NoProxyForHost


@dataclass(frozen=True, slots=True)
class Problem:
    """A reason for which a request is not carried out.

    Attributes:
        code: a fixed word, in the answer.
        when: for people.
        answer: the type of its JSON.
    """

    status: int
    code: str
    when: str
    answer: type[ErrorAnswer] = ErrorAnswer


BAD_REQUEST = Problem(
    400, "bad-request", "The body is not JSON, a parameter is not known, or a text is not UTF-8."
)
UNAUTHORIZED = Problem(401, "unauthorized", "There is no key, it is not known, or it has expired.")
UNSIGNED = Problem(401, "unauthorized", "The request is not signed.")
FORBIDDEN = Problem(
    Forbidden.status,
    Forbidden.code,
    "The key lacks the scope, may not use the machine, or asks for more than it may have.",
)
TOKEN_UNKNOWN = Problem(404, TokenUnknown.code, "There is no such token, or not for this key.")
SESSION_UNKNOWN = Problem(404, "session-unknown", "There is no such session, or not for this key.")
CANNOT_JOIN = Problem(
    CannotJoin.status, CannotJoin.code, "The session cannot be joined; the message says why."
)
MODE_FIXED = Problem(
    ModeFixed.status,
    ModeFixed.code,
    "The session keeps its mode; the message says what can be done.",
)
APPROVAL_CONFLICT = Problem(
    409,
    "approval-conflict",
    "The session does not wait for this approval: the message says why.",
)
NO_SINGLE_DRIVER = Problem(
    409,
    "no-single-driver",
    "All users of the machine control it, or this one may only watch, or is not open yet.",
)
DRIVER_STAYS = Problem(
    409, "driver-stays", "The proxy of the session that has the control did not answer in time."
)
PROXY_UNKNOWN = Problem(404, "proxy-unknown", "There is no such proxy.")
TOO_MANY_READERS = Problem(
    503, "busy", "There are too many readers, with this key or in all; `Retry-After`."
)
KEY_UNKNOWN = Problem(404, "key-unknown", "There is no such key, or not for this one.")
KEY_CONFLICT = Problem(
    409, "key-conflict", "There are two of this name, it is another's, or it is configured."
)
RATE_LIMITED = Problem(429, "rate-limited", "The key has sent too many requests: `Retry-After`.")
REPEAT_PENDING = Problem(
    409, "request-pending", "A request with this `Idempotency-Key` is under way."
)
REPEAT_CHANGED = Problem(
    422, "idempotency-key-reused", "The `Idempotency-Key` was sent with another body before."
)
BODY_TOO_LARGE = Problem(413, "body-too-large", "The body has more than 64 KiB.")
INVALID_FIELD = Problem(422, "invalid-field", "A member or parameter has a value that cannot be.")
BACKEND_UNKNOWN = Problem(422, "backend-unknown", "There is no such backend.")
VM_NOT_FOUND = Problem(422, VMNotFound.code, "The backend was asked and has no such machine.")
MACHINE_UNKNOWN = Problem(VMNotFound.status, VMNotFound.code, "There is no such machine.")
POWER_STATE = Problem(
    PowerStateUnfit.status, PowerStateUnfit.code, "The machine's state does not allow it."
)
POWER_UNSUPPORTED = Problem(
    PowerUnsupported.status,
    PowerUnsupported.code,
    "The machine or its backend cannot do it, or the backend's table has no `power = true`.",
)
POWER_DENIED = Problem(
    PowerDenied.status, PowerDenied.code, "The hypervisor does not allow it to the proxy's account."
)
POLICY_UNSUPPORTED = Problem(
    PolicyUnsupported.status,
    PolicyUnsupported.code,
    "A part of the policy is not enforced by this proxy.",
)
INTERNAL_ERROR = Problem(500, VNCProxyError.code, "A defect; the log has it by the id.")
BACKEND_ERROR = Problem(
    BackendError.status, BackendError.code, "The backend cannot tell; the log has the reason."
)
STORE_UNAVAILABLE = Problem(
    StoreUnavailable.status, StoreUnavailable.code, "Redis does not answer; try again."
)
NOT_RUNNING = Problem(
    ConsoleUnavailable.status, ConsoleUnavailable.code, "The machine must be on, and is not."
)
NO_PROXY = Problem(
    NoProxyForHost.status,
    NoProxyForHost.code,
    "No proxy shows the consoles of the machine's host now.",
)
NOT_READY = Problem(503, "not-ready", "No session could begin now; see `parts`.", Unready)


def _below(kind: type[VNCProxyError]) -> Iterator[type[VNCProxyError]]:
    """Yield a class of errors and all that are derived from it, but for those of a test."""
    yield kind
    for each in kind.__subclasses__():
        if each.__module__.startswith(errors.__name__):
            yield from _below(each)


ASKING_ZONES = tuple(Problem(each.status, each.code, each.public) for each in _below(ZoneError))
"""Why a machine of another zone cannot be asked for."""

REFUSING_ZONES = (
    *(Problem(403, each.code, each.public) for each in _below(ZoneError)),
    Problem(404, VMNotFound.code, "There is no such machine, or no such backend."),
    VM_NOT_FOUND,
    INVALID_FIELD,
)
"""What a request of another zone is refused for."""

SCREEN_REFUSED = (
    *(
        Problem(each.status, each.code, each.public)
        for root in (ConsoleError, HypervisorError, Busy)
        for each in _below(root)
        if each.code
    ),
    Problem(
        ConsoleOccupied.status, ConsoleOccupied.code, "A session shares the machine with no others."
    ),
    Problem(AtAnotherProxy.status, AtAnotherProxy.code, "Another proxy or zone shows the machine."),
    NO_PROXY,
)
"""Why there is no picture of a screen."""

KEYS_INTERRUPTED = Problem(
    KeysInterrupted.status,
    KeysInterrupted.code,
    "Not everything was typed: the message says how much, and why.",
)
TYPING_REFUSED = tuple(
    Problem(each.status, each.code, each.public) for each in (OverLimit, OutsideHours, TokenRefused)
)
"""Why a session cannot type, beside what concerns its console."""

NOT_INSTALLED = Problem(
    501, "not-installed", "What the request needs is not installed beside this proxy."
)

RECORDING_UNKNOWN = Problem(
    404, "recording-unknown", "There is no such recording here, or not for this key."
)
STILL_RECORDED = Problem(409, "still-recorded", "The session is still being recorded.")
RECORDING_ELSEWHERE = Problem(
    409, "recording-elsewhere", "Another proxy has the recording; the message names it."
)
TOO_MANY_LINKS = Problem(409, "too-many-links", "There are a hundred good links to the recording.")
NO_RECORDINGS = Problem(
    501, "not-configured", "`[recording]` has no place for recordings at this proxy."
)
RECORDINGS_FAIL = Problem(
    RecordingsUnavailable.status,
    RecordingsUnavailable.code,
    "The storage of recordings does not answer; the log has the reason.",
)
