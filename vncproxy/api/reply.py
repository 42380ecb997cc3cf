"""Answers of the API as JSON: one shape for results, one for errors."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Generic

from twisted.web.iweb import IRequest
from twisted.web.server import Request
from typing_extensions import TypeVar
from werkzeug.exceptions import HTTPException

from ..answers import ErrorAnswer
from ..errors import TokenRefused, TokenUnknown, VNCProxyError
from ..player.sending import Call, Part, send_part
from ..tokens.refusals import IssueRefused
from .request_ids import HEADER, request_id

Headers = tuple[tuple[str, str], ...]

JSON = "application/json"
BINARY = "application/octet-stream"

Body = TypeVar("Body", covariant=True, default=object)


@dataclass(frozen=True, slots=True)
class Reply(Generic[Body]):
    """A status, a body and further headers.

    Attributes:
        body: a JSON value, or bytes that are sent as they are.
    """

    status: int
    body: Body | bytes
    headers: Headers = ()
    content_type: str = JSON

    def render(self, request: IRequest) -> bytes:
        """Set the status and headers of a response, and return its body."""
        request.setResponseCode(self.status, HTTPStatus(self.status).phrase.encode())
        request.setHeader(b"Content-Type", self.content_type.encode())
        request.setHeader(b"Cache-Control", b"no-store")
        request.setHeader(b"X-Content-Type-Options", b"nosniff")
        request.setHeader(b"Server", b"vncproxy")
        request.setHeader(HEADER, request_id(request).encode())
        for name, value in self.headers:
            request.responseHeaders.addRawHeader(name.encode(), value.encode())
        if isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body, ensure_ascii=False).encode() + b"\n"

    async def send(self, request: Request) -> bytes:
        """Set the status and headers of a response, and return the end of its body."""
        return self.render(request)


@dataclass(frozen=True, slots=True)
class FileReply(Reply[bytes]):
    """A file, sent piece by piece.

    Attributes:
        part: its file is closed.
        name: under which the client saves it.
        call: calls functions of the file in threads.
    """

    part: Part = field(kw_only=True)
    name: str = field(kw_only=True)
    call: Call = field(kw_only=True)

    async def send(self, request: Request) -> bytes:
        """Send it; what is returned is the end of the body."""
        body = self.render(request)
        request.setHeader("Content-Disposition", f'attachment; filename="{self.name}"')
        if request.method == b"HEAD":
            await self.call(self.part.file.close)
        else:
            await send_part(self.part, request, self.call)
        return body


class Refusal(VNCProxyError):
    """A request that the API does not carry out, with a message for the caller.

    Args:
        status: of HTTP.
        code: a fixed word, for programs.
        message: lower case, with what is allowed.
        field: dotted path of the offending member of the body, or name of the query parameter.
        headers: of the response.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        field: str | None = None,
        headers: Headers = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.reply = Reply(status, error_body(code, message, field), headers)


def error_body(code: str, message: str, field: str | None = None) -> ErrorAnswer:
    """Return the one shape of every error."""
    return {"error": {"code": code, "message": message, "field": field}}


def token_unknown() -> Refusal:
    """Return the answer for a token that does not exist, or that the caller may not see."""
    return Refusal(404, TokenUnknown.code, "there is no such token")


def refused(error: VNCProxyError, request_id: str = "") -> Reply:
    """Return the reply for any error of the project.

    The detail of an error is for the log; only ``Refusal`` and ``IssueRefused`` send theirs.

    Args:
        request_id: stands in the log line about a failure, and in the reply.
    """
    if isinstance(error, Refusal):
        return error.reply
    if isinstance(error, IssueRefused):
        return Reply(error.status, error_body(error.reason, error.message, error.field))
    if isinstance(error, TokenRefused):
        return token_unknown().reply
    sentence = error.sentence(request_id if error.status >= 500 else "")
    return Reply(error.status, error_body(error.code, sentence))


def not_routed(error: HTTPException) -> Reply:
    """Return the reply for a request that fits no route: 404, or 405 with what is allowed."""
    status = HTTPStatus(error.code or 404)
    allowed = sorted(getattr(error, "valid_methods", None) or ())
    headers = (("Allow", ", ".join(allowed)),) if allowed else ()
    message = f"only {', '.join(allowed)} here" if allowed else "there is nothing at this path"
    code = status.phrase.lower().replace(" ", "-")
    return Reply(status, error_body(code, message), headers)
