"""The cookies of logins: of users that are logged in, and of browsers sent to the provider."""

from __future__ import annotations

from twisted.web.http import Request

from .cookies import parse_cookies
from .headers import header_lines

LOGIN = "vncproxy-login"
ATTEMPT = "vncproxy-attempt"


def login_cookie_name(name: str, *, secure: bool) -> str:
    """Return the name of a cookie; no page of another host can set one that begins so.

    Args:
        secure: whether the public URL is https, without which browsers refuse the prefix.
    """
    return f"__Host-{name}" if secure else name


def login_cookie(request: Request, name: str, *, secure: bool) -> str:
    """Return the value of a cookie of a request; empty for none."""
    cookies = parse_cookies(header_lines(request, "cookie"))
    return cookies.get(login_cookie_name(name, secure=secure), "")


def set_login_cookie(name: str, secret: str, seconds: float, *, secure: bool) -> str:
    """Return a ``Set-Cookie`` header; no seconds remove the cookie.

    It is ``Lax``: a browser that comes back from the provider sends it, and requests that pages of
    other sites make in the background do not have it.
    """
    parts = [
        f"{login_cookie_name(name, secure=secure)}={secret}",
        "Path=/",
        f"Max-Age={int(seconds)}",
        "HttpOnly",
        "SameSite=Lax",
    ]
    return "; ".join([*parts, "Secure"] if secure else parts)
