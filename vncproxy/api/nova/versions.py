"""The documents by which clients discover the API; they are read without credentials."""

from __future__ import annotations

import re
from typing import Final

from twisted.web.server import Request

from ..reply import Reply
from .microversions import HIGHEST, LOWEST

PREFIX: Final = "v2.1"
"""The first segment of all paths below the service's root."""

_HOST: Final = re.compile(
    r"(?:[A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?", re.ASCII
)


def sent_host(request: Request) -> str:
    """Return the ``Host`` header that a client sent; empty where it is missing or malformed."""
    kept: str | None = getattr(request, "sent_host", None)
    if kept is None:
        kept = request.requestHeaders.getRawHeaders(b"host", [b""])[0].decode("latin-1")
    return kept if _HOST.fullmatch(kept) else ""


def service_root(request: Request, configured: str) -> str:
    """Return the URL of the service's root, without a slash at its end.

    Args:
        configured: that URL as clients reach it; empty for what this request was sent to.
    """
    if configured:
        return configured.rstrip("/")
    scheme = "https" if request.isSecure() else "http"
    return f"{scheme}://{sent_host(request) or 'localhost'}"


def _version(root: str) -> dict[str, object]:
    return {
        "id": PREFIX,
        "status": "CURRENT",
        "version": str(HIGHEST),
        "min_version": str(LOWEST),
        "updated": "2013-07-23T11:33:21Z",
        "links": [{"rel": "self", "href": f"{root}/{PREFIX}/"}],
        "media-types": [
            {
                "base": "application/json",
                "type": "application/vnd.openstack.compute+json;version=2.1",
            }
        ],
    }


def all_versions(root: str) -> Reply:
    """Return the document at the service's root."""
    return Reply(200, {"versions": [_version(root)]})


def one_version(root: str) -> Reply:
    """Return the document of the one version that there is."""
    return Reply(200, {"version": _version(root)})
