"""The page's files, each sent whole from memory."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from gzip import compress
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

from twisted.web.http import CACHED, Request
from twisted.web.static import File, getTypeAndEncoding

from ..languages.catalogues import FOLDER, LANGUAGES
from ..languages.page import language_of, page_catalogue
from ..web import STATIC
from ..web.preloading import with_preloads
from .headers import header

MAX_PARTS = 8
"""Parts of a path below the folder; the deepest file there has six."""

MAX_NAME = 100
"""Characters of a part."""

_DATE = re.compile(rb"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")
"""The form of dates that browsers send (RFC 9110 section 5.6.7)."""

TYPES = {**File.contentTypes, ".js": "text/javascript"}

COMPRESSED = frozenset({".css", ".html", ".js", ".json", ".svg"})
"""Ends of the names of files that gzip makes smaller.

None holds a secret, so lengths tell nothing.
"""

SMALLEST = 256
"""Bytes from which a file is compressed."""

_REFUSES_GZIP = re.compile(r"\bgzip\s*;\s*q=0(\.0*)?\s*(,|$)")


@dataclass(frozen=True)
class Content:
    """A file in memory: as it is, and compressed where that is shorter."""

    plain: bytes
    compressed: bytes | None
    tag: str


class WholeFile(File):
    """A file served without byte ranges: one short request could name many of them.

    Its content is read, and compressed, once, so slow clients keep no file open. Browsers keep
    their copy for as long as the file has the same content, whatever its date is: proxies that
    share the load have dates of their own.
    """

    contentTypes = TYPES  # noqa: N815

    def content(self) -> Content:
        """Return what the file has now."""
        path: str = self.path
        status = Path(path).stat()
        return _content(path, status.st_mtime_ns, status.st_size)

    def render_GET(self, request: Request) -> Any:  # noqa: N802
        """Send the file, unless the browser's copy is current."""
        content = self.content()
        self.type, self.encoding = getTypeAndEncoding(
            self.path, self.contentTypes, self.contentEncodings, self.defaultType
        )
        self._sent, tag = content.plain, f'"{content.tag}"'
        if content.compressed is not None:
            request.setHeader(b"Vary", b"Accept-Encoding")
            if takes_gzip(request):
                self._sent, tag = content.compressed, f'"{content.tag}-gzip"'
                self.encoding = "gzip"
        _forget_wrong_dates(request)
        if request.setETag(tag.encode()) is CACHED:
            return b""
        return super().render_GET(request)

    render_HEAD = render_GET  # noqa: N815

    def openForReading(self) -> BytesIO:  # noqa: N802
        """Return the content; all readers share one copy."""
        return BytesIO(self._sent)

    def getFileSize(self) -> int:  # noqa: N802
        """Return the length of what is sent."""
        return len(self._sent)

    def makeProducer(self, request: Request, fileForReading: Any) -> Any:  # noqa: N802, N803
        """Return a producer of the whole file."""
        request.requestHeaders.removeHeader(b"range")
        request.setHeader(b"Accept-Ranges", b"none")
        return super().makeProducer(request, fileForReading)


def takes_gzip(request: Request) -> bool:
    """Tell whether a client takes compressed answers."""
    accepted = header(request, "accept-encoding").lower()
    return "gzip" in accepted and not _REFUSES_GZIP.search(accepted)


def _forget_wrong_dates(request: Request) -> None:
    """Leave a date in the request only where it decides (RFC 9110 section 13.1.3)."""
    dates = request.requestHeaders.getRawHeaders(b"if-modified-since") or []
    has_tag = request.requestHeaders.hasHeader(b"if-none-match")
    if has_tag or not all(map(_DATE.fullmatch, dates)):
        # Twisted raises on some values that are not dates
        request.requestHeaders.removeHeader(b"if-modified-since")


class LanguageFile(WholeFile):
    """The texts of a language as JSON, made of its catalogue."""

    contentTypes = {".po": "application/json"}  # noqa: N815

    def content(self) -> Content:
        """Return the texts; they are made once."""
        return _texts(Path(self.path).stem)


def find_file(folder: Path, name: str) -> WholeFile | None:
    """Return the file with a relative path below a folder; None where there is none.

    ``languages/LANGUAGE.json`` is there as well; it has the texts of the pages in a language.
    """
    if language := language_of(name):
        catalogue = FOLDER / f"{language}.po"
        return LanguageFile(str(catalogue)) if language in LANGUAGES[1:] else None
    parts = name.split("/", MAX_PARTS)
    if len(parts) > MAX_PARTS or not all(map(_is_valid_name, parts)):
        return None
    path = folder.joinpath(*parts)
    return WholeFile(str(path)) if path.is_file() else None


def _is_valid_name(part: str) -> bool:
    return part[:1] not in ("", ".") and len(part) <= MAX_NAME and part.isascii()


@lru_cache(maxsize=512)
def _content(path: str, mtime: int, size: int) -> Content:
    """Return the content of a file; that of a page names the modules that it loads.

    Args:
        mtime: with ``size``, part of the cache's key, so that a changed file is read again.
    """
    file = Path(path)
    plain = file.read_bytes()
    if file.suffix == ".html":
        plain = with_preloads(plain.decode(), STATIC).encode()
    return _tagged(plain, compressed=file.suffix in COMPRESSED and len(plain) >= SMALLEST)


@lru_cache(maxsize=32)
def _texts(language: str) -> Content:
    return _tagged(page_catalogue(language), compressed=True)


def _tagged(plain: bytes, *, compressed: bool) -> Content:
    tag = sha256(plain).hexdigest()[:32]
    return Content(plain, compress(plain, mtime=0) if compressed else None, tag)
