"""What goes wrong with a request, as exceptions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any


class ApiError(Exception):
    """A request was not carried out, or it is not known whether it was."""


class Refused(ApiError):
    """The API refuses; ``str()`` is its sentence, with the field that is wrong.

    Args:
        status: of HTTP.
        code: a fixed word, for programs; docs/api-reference.md lists them.
        message: the sentence.
        field: the member of the body or the parameter that is wrong.

    Attributes:
        retry_after: seconds after which another try makes sense; None where that is not known.
        request_id: of the answer, by which the proxy's log has it; empty for none.
    """

    retry_after: float | None = None
    request_id = ""

    def __init__(self, status: int, code: str, message: str, field: str | None = None) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.status = status
        self.code = code
        self.message = message
        self.field = field

    def __reduce__(self) -> tuple[Any, ...]:
        """Let other processes have it, such as workers of a queue."""
        arguments = (self.status, self.code, self.message, self.field)
        return type(self), arguments, vars(self)


class Unreachable(ApiError):
    """Nothing answers in time, or what answers is not the API."""


def read_answer(
    url: str, status: int, content: bytes, headers: Mapping[str, str], media_type: str = ""
) -> Any:
    """Return the JSON of an answer, or its bytes where a good one has another media type.

    Args:
        media_type: that one, such as ``image/*``.

    Raises:
        Refused: it is an error of the API.
        Unreachable: it is no answer of the API.
    """
    kind = headers.get("content-type", "")
    if media_type and status < 300 and fnmatchcase(kind, media_type):
        return content
    try:
        body = json.loads(content)
        if status < 300:
            return body
        error = body["error"]
        refused = Refused(status, error["code"], error["message"], error["field"])
    except (ValueError, LookupError, TypeError) as e:
        message = f"what answers at {url} is not vncproxy's API (HTTP status {status})"
        raise Unreachable(message) from e
    refused.request_id = headers.get("x-request-id", "")
    seconds = headers.get("retry-after", "")
    refused.retry_after = float(seconds) if seconds.isdecimal() else None
    raise refused
