"""The page's files, each sent whole from memory."""

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
"""The form of dates that browsers send (RFC 9110 section 5.6.7)."""

TYPES = {**File.contentTypes, ".js": "text/javascript"}


class WholeFile(File):
    """A file served without byte ranges: one short request could name many of them.

    Its content is read at once, so slow clients keep no file open.
    """

    contentTypes = TYPES  # noqa: N815

    def render_GET(self, request: Request) -> Any:  # noqa: N802
        """Send the file, unless the browser's copy is current."""
        dates = request.requestHeaders.getRawHeaders(b"if-modified-since") or []
        if not all(map(_DATE.fullmatch, dates)):
            # Twisted raises on some values that are not dates
            request.requestHeaders.removeHeader(b"if-modified-since")
        return super().render_GET(request)

    render_HEAD = render_GET  # noqa: N815

    def openForReading(self) -> BytesIO:  # noqa: N802
        """Return the content; all readers share one copy."""
        path: str = self.path
        status = Path(path).stat()
        return BytesIO(_content(path, status.st_mtime_ns, status.st_size))

    def makeProducer(self, request: Request, fileForReading: Any) -> Any:  # noqa: N802, N803
        """Return a producer of the whole file."""
        request.requestHeaders.removeHeader(b"range")
        request.setHeader(b"Accept-Ranges", b"none")
        return super().makeProducer(request, fileForReading)


def find_file(folder: Path, name: str) -> WholeFile | None:
    """Return the file with a relative path below a folder; None where there is none."""
    parts = name.split("/", MAX_PARTS)
    if len(parts) > MAX_PARTS or not all(map(_is_valid_name, parts)):
        return None
    path = folder.joinpath(*parts)
    return WholeFile(str(path)) if path.is_file() else None


def _is_valid_name(part: str) -> bool:
    return part[:1] not in ("", ".") and len(part) <= MAX_NAME and part.isascii()


@lru_cache(maxsize=256)
def _content(path: str, mtime: int, size: int) -> bytes:
    """Return the content of a file.

    Args:
        mtime: with ``size``, part of the cache's key, so that a changed file is read again.
    """
    return Path(path).read_bytes()
