"""Reads a `UserRequest` from an HTTP request: client, token, cookie and origin."""

from __future__ import annotations

from twisted.web.http import Request

from ..languages.preferred import preferred
from ..model import ConsoleType
from ..origins import untrusted_origin
from ..session.user_request import UserRequest
from .cookies import parse_cookies
from .headers import header_lines
from .links import (
    asks_to_start,
    can_follow,
    can_move,
    can_talk,
    is_confirmed,
    language,
    query_token,
    resume_secret,
    takes,
)
from .login_cookie import LOGIN, login_cookie_name
from .resume_cookie import resume_cookie_name
from .trust import Trust


def read_user_request(request: Request, type: ConsoleType, trust: Trust) -> UserRequest:  # noqa: A002
    """Return the request for a console that an HTTP request makes.

    The token is taken from the query, from inside noVNC's ``path`` parameter, or, when the page is
    one of ours, from a ``token`` cookie.
    """
    cookies = parse_cookies(header_lines(request, "cookie"))
    untrusted = _untrusted_origin(request, trust)
    token = query_token(request)
    if not token and untrusted is None:
        token = cookies.get("token", "")
    resume = cookies.get(resume_cookie_name(token)) if cookies else None
    reenter = resume_secret(request) if untrusted is None and type is ConsoleType.NOVNC else ""
    return UserRequest(
        type=type,
        client=trust.forwarding.client_address(request),
        token=token,
        resume=resume,
        reenter=reenter,
        untrusted_origin=untrusted,
        confirmed=type is ConsoleType.XVPVNC or is_confirmed(request),
        can_move=can_move(request),
        can_follow=can_follow(request),
        can_talk=can_talk(request),
        takes=takes(request),
        login=cookies.get(login_cookie_name(LOGIN, secure=trust.secure), "") if cookies else "",
        start=type is ConsoleType.NOVNC and asks_to_start(request),
        language=language_of(request),
    )


def language_of(request: Request) -> str:
    """Return the language of a request's user; programs that are no browser name none."""
    return preferred(language(request), ",".join(header_lines(request, "accept-language")))


def _untrusted_origin(request: Request, trust: Trust) -> str | None:
    """Return the page's origin when the configuration does not allow it to open consoles.

    A request without an ``Origin`` header comes from no page.
    """
    lines = header_lines(request, "origin")
    return untrusted_origin(lines[0], trust.trusted_origins(request)) if lines else None
