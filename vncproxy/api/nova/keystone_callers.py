"""Callers of Nova's API that have logged in at Keystone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from twisted.web.http_headers import Headers
from zope.interface import implementer

from ...errors import Forbidden
from ...openstack.recent import RecentTokens
from ..authentication import IAuthenticator, Unauthenticated
from ..caller import Caller
from ..reply import Refusal
from .callers import CHALLENGE, HEADER
from .policies import KeystonePolicy, keystone_caller

_TOKEN: Final = re.compile(rb"[!-~]{1,8192}")
"""What can be a token of Keystone, of any of its formats."""


@implementer(IAuthenticator)
class KeystoneCallers:
    """Tokens of Keystone in ``X-Auth-Token``, with what the policies allow their users.

    Args:
        tokens: asks Keystone.
        policies: in the order of the configuration.
        uri: Keystone's URL for clients; empty where it is not known.
    """

    hint = "a token of Keystone is needed: X-Auth-Token: <token>"

    def __init__(
        self, tokens: RecentTokens, policies: Sequence[KeystonePolicy], uri: str = ""
    ) -> None:
        self._tokens = tokens
        self._policies = policies
        self.challenge = f'Keystone uri="{uri}"' if uri else CHALLENGE

    async def authenticate(self, headers: Headers) -> Caller | None:
        """Return the user whose token a request was sent with.

        Raises:
            Unauthenticated: Keystone knows no such token, or no more.
            Refusal: 403, no policy is for the user.
            KeystoneUnavailable: Keystone does not say.
        """
        sent = headers.getRawHeaders(HEADER, [b""])[-1].strip()
        if not sent:
            return None
        token = await self._tokens.owner(sent.decode()) if _TOKEN.fullmatch(sent) else None
        if token is None:
            raise Unauthenticated("the token is not valid", self.challenge)
        caller = keystone_caller(token, self._policies)
        if caller is None:
            raise Refusal(Forbidden.status, Forbidden.code, _no_policy(token.project is None))
        return caller


def _no_policy(unscoped: bool) -> str:
    if unscoped:
        return "The token is for no project: log in with one."
    return "No policy allows consoles to your roles in this project."
