"""The token store as the API sees it, with the tokens that peers have issued for us."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from twisted.internet.defer import Deferred, gatherResults

from ..errors import StoreUnavailable, TokenUnknown, VNCProxyError
from ..interfaces import ITokenStore
from ..model import Token, TokenStatus, VMAddress
from ..tokens.external.store import StoreWithSources
from .issued_elsewhere import Elsewhere, IssuedElsewhere
from .peer import Peer


@dataclass(frozen=True, slots=True)
class _Answer:
    """Whether a token was good until it was revoked, or why it is not revoked."""

    was_good: bool = False
    why: str | None = None


class StoreWithPeers(StoreWithSources):
    """A token store that also shows and revokes tokens of peers.

    All peers that have tokens which are to be revoked are asked at the same time, also where our
    own store fails. Those that fail raise `StoreUnavailable` once all have answered: they may show
    consoles still, and revoking again asks them again.

    Args:
        store: our own.
        elsewhere: the tokens of peers.
        peer: returns the peer of a name, as it is configured now; None where there is none.
    """

    def __init__(
        self,
        store: ITokenStore,
        elsewhere: IssuedElsewhere,
        peer: Callable[[str], Peer | None],
    ) -> None:
        super().__init__(store, {})
        self._elsewhere = elsewhere
        self._peer = peer

    async def show(self, token_id: str) -> TokenStatus:
        """Return one of our tokens, or one of a peer as it was issued.

        No use is left of one that has expired. It is shown as long as its console may be.
        """
        try:
            return await super().show(token_id)
        except TokenUnknown:
            found = self._elsewhere.of(token_id)
            if not found:
                raise
            token = found[-1].token
            is_over = token.expires_at <= self._elsewhere.time()
            return TokenStatus(token_id, token, 0 if is_over else token.policy.uses or None)

    async def revoke(self, token_id: str) -> bool:
        """Revoke a token and those of peers; False where none was good any more."""
        try:
            revoked = await super().revoke(token_id)
        finally:
            there = await self._revoke_there([token_id])
        return revoked or bool(there)

    async def revoke_link(self, token_id: str) -> bool:
        """Revoke a signed link, and the tokens of peers that were given out in its place."""
        try:
            known = await super().revoke_link(token_id)
        finally:
            there = await self._revoke_there([token_id])
        return known or bool(there)

    async def revoke_signer(self, signer: str) -> None:
        """Refuse all links of a signer, and revoke what was given out in their place."""
        try:
            await super().revoke_signer(signer)
        finally:
            await self._revoke_matching(lambda token: token.signer == signer)

    async def revoke_vm(self, vm: VMAddress) -> Sequence[str]:
        """Revoke all tokens of a machine."""
        revoked: Sequence[str] = ()
        try:
            revoked = await super().revoke_vm(vm)
        finally:
            there = await self._revoke_matching(lambda token: token.vm == vm)
        return [*revoked, *there]

    async def revoke_user(self, user: str) -> Sequence[str]:
        """Revoke all tokens of a user."""
        revoked: Sequence[str] = ()
        try:
            revoked = await super().revoke_user(user)
        finally:
            there = await self._revoke_matching(lambda token: token.user == user)
        return [*revoked, *there]

    async def _revoke_matching(self, wanted: Callable[[Token], bool]) -> list[str]:
        return await self._revoke_there(list(self._elsewhere.matching(wanted)))

    async def _revoke_there(self, token_ids: Iterable[str]) -> list[str]:
        """Revoke tokens of peers; returns the ids there of those that were good.

        Raises:
            StoreUnavailable: with each failure, after all peers were asked.
        """
        ids = list(token_ids)
        found = list(dict.fromkeys(each for n in ids for each in self._elsewhere.of(n)))
        asking = [Deferred.fromCoroutine(self._ask(each)) for each in found]
        answers = await gatherResults(asking, consumeErrors=True)
        done = [each for each, answer in zip(found, answers, strict=True) if answer.why is None]
        for token_id in (*ids, *(each.id for each in done)):
            self._elsewhere.forget(token_id, done)
        if failed := [answer.why for answer in answers if answer.why is not None]:
            raise StoreUnavailable("; ".join(failed))
        return [each.id for each, answer in zip(found, answers, strict=True) if answer.was_good]

    async def _ask(self, there: Elsewhere) -> _Answer:
        peer, short = self._peer(there.peer), there.id[:12]
        if peer is None:
            why = f"the peer {there.peer} is configured no more"
            return _Answer(why=f"token {short} is not revoked: {why}")
        try:
            return _Answer(was_good=await peer.revoke(there.id))
        except VNCProxyError as e:
            return _Answer(why=f"token {short} is not revoked: {e}")
