"""The page's files, each sent whole and out of memory."""

from __future__ import annotations

import re
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

from twisted.web.http import Request
from twisted.web.static import File

MAX_PARTS = 8
"""Parts of a path below the folder; the deepest file there has six."""

MAX_NAME = 100
"""Characters of a part."""

_DATE = re.compile(rb"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")
"""What browsers send (RFC 9110 section 5.6.7)."""

TYPES = {**File.contentTypes, ".js": "text/javascript"}


class WholeFile(File):
    """A file without byte ranges, which would let one short request ask for it many times over.

    A client that reads slowly keeps no file open.
    """

    contentTypes = TYPES  # noqa: N815

    def render_GET(self, request: Request) -> Any:  # noqa: N802
        """Send it, unless the browser has it as it is."""
        dates = request.requestHeaders.getRawHeaders(b"if-modified-since") or []
        if not all(map(_DATE.fullmatch, dates)):
            # Twisted takes dates apart that are none, and fails on some
            request.requestHeaders.removeHeader(b"if-modified-since")
        return super().render_GET(request)

    render_HEAD = render_GET  # noqa: N815

    def openForReading(self) -> BytesIO:  # noqa: N802
        """Return the content, which all readers share."""
        path: str = self.path
        status = Path(path).stat()
        return BytesIO(_content(path, status.st_mtime_ns, status.st_size))

    def makeProducer(self, request: Request, fileForReading: Any) -> Any:  # noqa: N802, N803
        """Return what sends the whole file."""
        request.requestHeaders.removeHeader(b"range")
        request.setHeader(b"Accept-Ranges", b"none")
        return super().makeProducer(request, fileForReading)


def find_file(folder: Path, name: str) -> WholeFile | None:
    """Return the file of a name with slashes below a folder; None where there is none."""
    parts = name.split("/", MAX_PARTS)
    if len(parts) > MAX_PARTS or not all(map(_may_be_a_name, parts)):
        return None
    path = folder.joinpath(*parts)
    return WholeFile(str(path)) if path.is_file() else None


def _may_be_a_name(part: str) -> bool:
    return part[:1] not in ("", ".") and len(part) <= MAX_NAME and part.isascii()


@lru_cache(maxsize=256)
def _content(path: str, mtime: int, size: int) -> bytes:
    """Return what is in a file.

    Args:
        mtime: part of the key, as is ``size``: a file that changed is read again.
    """
    return Path(path).read_bytes()
