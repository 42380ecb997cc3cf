"""Errors in Nova's shape: one member, named after the status, with ``code`` and ``message``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from werkzeug.exceptions import HTTPException

from ...errors import TokenRefused, VNCProxyError
from ...tokens.refusals import IssueRefused
from ..reply import Headers, Refusal, Reply

NAMES: Final = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    405: "badMethod",
    409: "conflictingRequest",
    413: "overLimit",
    429: "overLimit",
    501: "notImplemented",
    503: "serviceUnavailable",
}
"""Nova's names of errors; any other status has `OTHER`."""

OTHER: Final = "computeFault"

UNAUTHENTICATED: Final = "The request you have made requires authentication."
TOKEN_NOT_FOUND: Final = "Token not found"  # noqa: S105


class Fault(VNCProxyError):
    """A request that is answered with an error of Nova.

    Args:
        status: of HTTP; it decides the error's name.
        message: for the caller; clients print it.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.reply = fault_reply(status, message)


def fault_reply(status: int, message: str, headers: Headers = ()) -> Reply:
    """Return an error in Nova's shape."""
    body = {NAMES.get(status, OTHER): {"code": status, "message": message}}
    return Reply(status, body, headers)


def unauthenticated(challenges: Iterable[str]) -> Reply:
    """Return the reply to a request without valid credentials.

    Args:
        challenges: values of ``WWW-Authenticate``, which say where a client logs in.
    """
    headers = tuple(("WWW-Authenticate", challenge) for challenge in challenges)
    return fault_reply(401, UNAUTHENTICATED, headers)


def fault_of(error: VNCProxyError, request_id: str) -> Reply:
    """Return the reply for any error of the project.

    Args:
        request_id: stands in the log line about a failure, and in the reply.
    """
    if isinstance(error, Fault):
        return error.reply
    if isinstance(error, Refusal):
        return fault_reply(error.reply.status, error.message, error.reply.headers)
    if isinstance(error, IssueRefused):
        return fault_reply(400 if error.status == 422 else error.status, error.message)
    if isinstance(error, TokenRefused):
        return fault_reply(404, TOKEN_NOT_FOUND)
    if error.status in (502, 503):
        return fault_reply(503, error.sentence(request_id))
    status = error.status
    return fault_reply(status, error.sentence(request_id if status >= 500 else ""))


def not_routed(error: HTTPException) -> Reply:
    """Return the reply for a request that fits no route: 404, or 405 with what is allowed."""
    allowed = sorted(getattr(error, "valid_methods", None) or ())
    if allowed:
        message = "The method specified is not allowed for this resource."
        return fault_reply(405, message, (("Allow", ", ".join(allowed)),))
    return fault_reply(404, "The resource could not be found.")
