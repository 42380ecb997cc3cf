"""The routes of tokens and of API keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from twisted.internet.defer import Deferred
from twisted.web.server import Request

from ...answers import Revocation
from ..caller import Caller
from ..reply import Reply
from . import operations as op
from .bodies import TokenRequest
from .keys import KeyRequest
from .parameters import parse_one
from .screen_routes import ScreenRoutes
from .serving import serves


class TokenRoutes(ScreenRoutes):
    """The routes below ``/v1/tokens`` and ``/v1/keys``."""

    @serves(op.ISSUE_TOKEN)
    def issue_token(self, request: Request) -> Deferred[bytes]:
        """Issue a token."""
        return self._answer_body(request, op.ISSUE_TOKEN, TokenRequest, self._views.tokens.issue)

    @serves(op.REVOKE_TOKENS)
    def revoke_tokens(self, request: Request) -> Deferred[bytes]:
        """Revoke all tokens of a machine or of a user."""

        async def work(caller: Caller) -> Reply[Revocation]:
            name, value = parse_one(request.args, op.REVOKE_TOKENS.query)
            revoke: Mapping[str, Callable[..., Awaitable[Reply[Revocation]]]] = {
                "vm": self._views.tokens.revoke_vm,
                "user": self._views.tokens.revoke_user,
                "jti": self._views.tokens.revoke_link,
                "signer": self._views.tokens.revoke_signer,
            }
            return await revoke[name](caller, value)

        return self._answer(request, op.REVOKE_TOKENS, work)

    @serves(op.SHOW_TOKEN)
    def show_token(self, request: Request, token_id: str) -> Deferred[bytes]:
        """Show a token."""
        show = self._views.tokens.show
        return self._answer(request, op.SHOW_TOKEN, lambda caller: show(caller, token_id))

    @serves(op.REVOKE_TOKEN)
    def revoke_token(self, request: Request, token_id: str) -> Deferred[bytes]:
        """Revoke a token."""
        revoke = self._views.tokens.revoke
        return self._answer(request, op.REVOKE_TOKEN, lambda caller: revoke(caller, token_id))

    @serves(op.CREATE_KEY)
    def create_key(self, request: Request) -> Deferred[bytes]:
        """Create a key; with ``?vm=``, type at a machine's console."""
        if b"vm" in request.args:
            typing: Deferred[bytes] = self.type_keys(request)
            return typing
        return self._answer_body(request, op.CREATE_KEY, KeyRequest, self._views.keys.create)

    @serves(op.LIST_KEYS)
    def list_keys(self, request: Request) -> Deferred[bytes]:
        """List the keys that may do no more than the caller's."""
        return self._answer(request, op.LIST_KEYS, self._views.keys.list)

    @serves(op.REVOKE_KEY)
    def revoke_key(self, request: Request, key_id: str) -> Deferred[bytes]:
        """Revoke a key that was created by the API."""
        revoke = self._views.keys.revoke
        return self._answer(request, op.REVOKE_KEY, lambda caller: revoke(caller, key_id))
