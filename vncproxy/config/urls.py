"""URLs in settings: which ones are valid, their origin, their path prefix."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from pydantic_core import PydanticCustomError

from ..addresses import is_loopback
from ..origins import PORTS, normal_host, normal_pattern
from .secret import ERROR_TYPE as SECRET


def split(url: str) -> SplitResult:
    """Split an http or https URL.

    Raises:
        ValueError: it is not one, or has a user, a query or a fragment.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"must be a URL: {error}") from None
    if parts.username is not None:
        raise PydanticCustomError(SECRET, "must hold no user and no password")
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError("must begin with http:// or https:// and a host")
    if set("?#") & set(url):
        raise ValueError("must have no query and no fragment")
    return parts


def origin(url: str) -> str:
    """Return scheme, host and port as browsers write them in ``Origin``, see `vncproxy.origins`.

    Raises:
        ValueError: as ``split``.
    """
    parts = split(url)
    host = normal_host(parts.hostname or "")
    implied = parts.port in (None, PORTS[parts.scheme])
    return f"{parts.scheme}://{host}" if implied else f"{parts.scheme}://{host}:{parts.port}"


def prefix(url: str) -> str:
    """Return the path of a URL up to its last slash, that slash included: ``/`` at least.

    Raises:
        ValueError: as ``split``.
    """
    return split(url).path.rpartition("/")[0] + "/"


def normal_origin_pattern(text: str) -> str:
    """Return an origin, or a pattern of origins, in its normal form.

    Raises:
        ValueError: as ``split``, or it has a path, or its pattern is too wide.
    """
    split(text)
    return normal_pattern(text)


def check_base_url(url: str) -> str:
    """Return a URL below which the pages are.

    Raises:
        ValueError: as ``split``, or it does not end in a slash.
    """
    if not split(url).path.endswith("/"):
        raise ValueError("must end in '/'")
    origin(url)
    return url


def check_viewer_url(url: str) -> str:
    """Return a URL for TCP viewers.

    Raises:
        ValueError: as ``split``, or it names no port.
    """
    if not split(url).port:
        raise ValueError("must name its port, because the Java viewer needs it")
    return url


def check_service_url(url: str) -> str:
    """Return the URL of a service's root; empty stands for none.

    Raises:
        ValueError: as ``split``.
    """
    if url:
        split(url)
    return url


def check_peer_url(url: str) -> str:
    """Return the URL of another proxy's API.

    Raises:
        ValueError: as ``split``, or a key would be sent to it in clear text.
    """
    parts = split(url)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise ValueError("must begin with https://, since it is sent a key")
    return url.rstrip("/")


def is_moved(url: str, origin_of: str) -> bool:
    """Tell whether two URLs differ in nothing but host and port.

    Raises:
        ValueError: as ``split``.
    """
    one, other = split(url), split(origin_of)
    return (one.scheme, one.path) == (other.scheme, other.path)


def check_page_url(url: str) -> str:
    """Return the URL of a page, which may have a query; empty stands for none.

    Raises:
        ValueError: as ``split``, but for the query.
    """
    if url:
        split(url.partition("?")[0])
    if "#" in url:
        raise ValueError("must have no fragment")
    return url
