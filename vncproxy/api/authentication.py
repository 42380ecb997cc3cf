"""Authentication of API callers: from a request's headers to a `Caller`, in one of several ways."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from twisted.web.http_headers import Headers
from zope.interface import Attribute, Interface

from .caller import Caller
from .reply import Refusal


class IAuthenticator(Interface):
    """One way in which callers of the API are identified."""

    challenge: str = Attribute("The value of ``WWW-Authenticate`` that asks for its credentials.")
    hint: str = Attribute("One line that says which header is needed.")

    def authenticate(headers: Headers) -> Awaitable[Caller | None]:  # noqa: N805
        """Return the caller, or None where the headers hold no credentials of this kind.

        Raises:
            Unauthenticated: there are some, and they are not known or not valid any more.
            VNCProxyError: whether they are valid cannot be found out now.
        """


class Unauthenticated(Refusal):
    """Credentials are missing, or not valid.

    Args:
        message: lower case, what is missing or wrong.
        challenges: values of ``WWW-Authenticate``.
    """

    def __init__(self, message: str, *challenges: str) -> None:
        headers = tuple(("WWW-Authenticate", challenge) for challenge in challenges)
        super().__init__(401, "unauthorized", message, headers=headers)


async def authenticate(authenticators: Sequence[IAuthenticator], headers: Headers) -> Caller:
    """Return the caller that the first of several authenticators finds for the credentials.

    Raises:
        Unauthenticated: none finds one; it is the first error about credentials, if any.
        VNCProxyError: an authenticator has failed.
    """
    refused: Unauthenticated | None = None
    for each in authenticators:
        try:
            caller = await each.authenticate(headers)
        except Unauthenticated as e:
            refused = refused or e
            continue
        if caller is not None:
            return caller
    raise refused or _unauthenticated(authenticators)


def _unauthenticated(authenticators: Sequence[IAuthenticator]) -> Unauthenticated:
    hints = "; or ".join(each.hint for each in authenticators)
    return Unauthenticated(hints, *dict.fromkeys(each.challenge for each in authenticators))
