"""The id of a request: the caller's own where it sends a sane one, else a new one."""

from __future__ import annotations

import re
from typing import Any, Final

from ..model import new_id

HEADER: Final = b"X-Request-Id"

_SANE: Final = re.compile(rb"[A-Za-z0-9_.:/+=-]{1,64}")
_KNOWN: Final = "vncproxy_request_id"


def request_id(request: Any) -> str:
    """Return the id of a request, the same each time."""
    known = vars(request).get(_KNOWN)
    if known is None:
        sent = request.requestHeaders.getRawHeaders(HEADER, [b""])
        is_sane = len(sent) == 1 and _SANE.fullmatch(sent[0])
        known = sent[0].decode() if is_sane else new_id()
        set_request_id(request, known)
    return str(known)


def set_request_id(request: Any, id_: str) -> None:
    """Give a request an id of another kind."""
    vars(request)[_KNOWN] = id_
