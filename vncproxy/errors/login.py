"""Logins: why one failed, and why a link needs one."""

from __future__ import annotations

from typing import ClassVar

from .client import ClientError
from .root import VNCProxyError


class LoginRequired(ClientError):
    """The link is of use only to users that are logged in, and this one is not."""

    public = "This console is shown only to users who are logged in."
    status = 401
    close_code = 4034
    code = "login-required"


class ViewerCannotLogIn(LoginRequired):
    """The same, of a viewer that is no browser."""

    public = "This console needs a login. Open its link in a browser."
    close_code = 4035
    code = "login-needs-browser"


class LoginOfAnother(ClientError):
    """The link was issued to another user than the one that is logged in."""

    public = "This link was issued to another user. Log in as that user, or ask for a link."
    status = 403
    close_code = 4036
    code = "login-of-another"


class LoginFailed(VNCProxyError):
    """A login that has not come to its end.

    Args:
        word: one of `WORDS`: why, for the page.
    """

    public = "You could not be logged in."
    status = 403
    code = "login-failed"

    WORDS: ClassVar = frozenset(
        {"denied", "other-browser", "used", "provider", "untrusted", "identity"}
    )

    def __init__(
        self, detail: str = "", *, word: str = "untrusted", public: str | None = None
    ) -> None:
        assert word in self.WORDS
        super().__init__(detail, public=public)
        self.word = word


class ProviderUnavailable(LoginFailed):
    """The OpenID provider does not answer, or not as it has to."""

    public = "The login service does not answer. Try again in a moment."
    status = 502
    code = "provider-unavailable"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail, word="provider")
