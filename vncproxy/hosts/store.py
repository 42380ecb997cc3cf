"""The token store as the API sees it, with the tokens that peers have issued for us."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..errors import StoreUnavailable, TokenUnknown
from ..interfaces import ITokenStore
from ..model import Token, TokenStatus, VMAddress
from ..tokens.external.store import StoreWithSources
from ..tokens.refusals import NoProxyForHost
from .issued_elsewhere import IssuedElsewhere


class StoreWithPeers(StoreWithSources):
    """A token store that also shows and revokes tokens of peers.

    Args:
        store: our own.
        elsewhere: the tokens of peers.
    """

    def __init__(self, store: ITokenStore, elsewhere: IssuedElsewhere) -> None:
        super().__init__(store, {})
        self._elsewhere = elsewhere

    async def show(self, token_id: str) -> TokenStatus:
        """Return one of our tokens, or one of a peer as it was issued."""
        try:
            return await super().show(token_id)
        except TokenUnknown:
            found = self._elsewhere.of(token_id)
            if not found:
                raise
            token = found[-1].token
            return TokenStatus(token_id, token, token.policy.uses or None)

    async def revoke(self, token_id: str) -> bool:
        """Revoke a token and those of peers that were given out in its place.

        Raises:
            StoreUnavailable: a peer cannot be reached, and may show its console still.
        """
        revoked, found = await super().revoke(token_id), self._elsewhere.of(token_id)
        for each in found:
            try:
                await each.peer.revoke(each.id)
            except NoProxyForHost as e:
                raise StoreUnavailable(f"token {each.id[:12]} is not revoked: {e}") from e
        self._elsewhere.forget(token_id)
        return revoked or bool(found)

    async def revoke_vm(self, vm: VMAddress) -> Sequence[str]:
        """Revoke all tokens of a machine."""
        revoked = await super().revoke_vm(vm)
        return [*revoked, *await self._revoke_matching(lambda token: token.vm == vm, revoked)]

    async def revoke_user(self, user: str) -> Sequence[str]:
        """Revoke all tokens of a user."""
        revoked = await super().revoke_user(user)
        return [*revoked, *await self._revoke_matching(lambda token: token.user == user, revoked)]

    async def _revoke_matching(
        self, wanted: Callable[[Token], bool], revoked: Sequence[str]
    ) -> list[str]:
        """Revoke tokens of peers; returns the ids of those that are not among ours."""
        ids = [each for each in self._elsewhere.matching(wanted) if await self.revoke(each)]
        return [each for each in ids if each not in revoked]
