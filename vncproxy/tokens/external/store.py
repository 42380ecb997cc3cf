"""The proxy's own token store, with tokens of other issuers behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from zope.interface import implementer

from ...errors import StoreUnavailable, TokenUnknown, TokenUsed
from ...interfaces import (
    BeforeUse,
    IConsoleBackend,
    IHasSentinels,
    ILinkStore,
    IMayForget,
    ISignedLinks,
    ITokenSource,
    ITokenStore,
)
from ...model import Grant, Mode, SessionLease, SignedLink, Token, TokenStatus, VMAddress, new_claim
from ..machine_ids import fixed_part


@implementer(IHasSentinels, ILinkStore, IMayForget, ITokenStore)
class StoreWithSources:
    """Asks the sources, in their order, about tokens that the store does not know.

    A source that does not answer keeps no other one from being asked. Everything but redeeming is
    the store's own: tokens of other issuers are neither listed nor revoked here.

    Attributes:
        store: the proxy's own tokens.
    """

    def __init__(
        self,
        store: ITokenStore,
        sources: Mapping[str, ITokenSource],
        backends: Mapping[str, IConsoleBackend] = MappingProxyType({}),
    ) -> None:
        self.store = store
        self._sources = sources
        self._backends = backends

    async def issue(self, token: Token) -> str:
        """Store a token and return its secret."""
        return await self.store.issue(token)

    async def redeem(
        self,
        secret: str,
        resume_secret: str | None = None,
        before_use: BeforeUse | None = None,
        lease: SessionLease | None = None,
    ) -> Grant:
        """Take one use of a token, wherever it comes from."""
        try:
            return await self.store.redeem(secret, resume_secret, before_use, lease)
        except TokenUnknown as e:
            link = await self._read_link(secret)
            if link is not None:
                return await self.redeem_link(link, resume_secret, before_use, lease)
            if before_use is not None:
                before_use(None)
            found = await self._ask_sources(secret, e)
            if before_use is not None:
                before_use(found.token)
            grant = replace(found, claim=lease.name if lease else new_claim())
            return await self.enter(grant, lease)

    async def _read_link(self, secret: str) -> SignedLink | None:
        """Return a signed link to a machine that its signer may name; None for everything else."""
        for name, source in self._sources.items():
            if not ISignedLinks.providedBy(source):
                continue
            link: SignedLink | None = await ISignedLinks(source).read_link(secret)
            if link is None:
                continue
            vm = link.token.vm
            may_name = ISignedLinks(source).may_name(vm, fixed_part(self._backends, vm))
            if vm.backend not in self._backends or not may_name:
                raise TokenUnknown(f"link {link.token_id[:12]}: {name} may not name {vm}")
            return link
        return None

    async def redeem_link(
        self,
        link: SignedLink,
        resume_secret: str | None = None,
        before_use: BeforeUse | None = None,
        lease: SessionLease | None = None,
    ) -> Grant:
        """Redeem a signed link."""
        redeemed: Grant = await ILinkStore(self.store).redeem_link(
            link, resume_secret, before_use, lease
        )
        return redeemed

    async def revoke_link(self, token_id: str) -> bool:
        """Revoke a signed link, also one that was never used."""
        return bool(await ILinkStore(self.store).revoke_link(token_id))

    async def revoke_links_of_user(self, user: str) -> None:
        """Refuse the links that were signed for a user until now."""
        await ILinkStore(self.store).revoke_links_of_user(user)

    async def revoke_signer(self, signer: str) -> None:
        """Refuse all links of a signer from now on."""
        await ILinkStore(self.store).revoke_signer(signer)

    async def enter(self, grant: Grant, lease: SessionLease | None = None) -> Grant:
        """Count the session of another issuer's token, and consume what is good once."""
        if lease is None and grant.once is None:
            return grant
        try:
            entered: Grant = await self.store.enter(grant, lease)
        except TokenUsed as e:
            error = TokenUsed(f"token {grant.token_id[:12]}: its jti was used before")
            raise error.about(grant.token.vm, grant.token.user) from e
        return entered

    def leave(self, lease: SessionLease, token: Token) -> None:
        """Stop counting a session."""
        self.store.leave(lease, token)

    async def _ask_sources(self, secret: str, unknown: TokenUnknown) -> Grant:
        error: TokenUnknown | StoreUnavailable = unknown
        for source in self._sources.values():
            try:
                grant: Grant | None = await source.redeem(secret)
            except StoreUnavailable as e:
                error = e
                continue
            except TokenUnknown as e:
                # for the log, unless another source knows the token
                error = error if isinstance(error, StoreUnavailable) else e
                continue
            if grant is not None:
                return grant
        raise error

    async def confirm(self, grant: Grant) -> None:
        """Take note that a viewer is about to see the console."""
        if grant.endpoint is None:
            await self.store.confirm(grant)

    async def renew(self, grant: Grant, within: float | None = None) -> str:
        """Give the resume cookie of a grant another secret."""
        return await self.store.renew(grant, within)

    async def remember_mode(self, grant: Grant, mode: Mode) -> bool:
        """Remember what all later sessions of a resume cookie may do."""
        return bool(grant.cookie_id) and await self.store.remember_mode(grant, mode)

    async def restore(self, grant: Grant) -> None:
        """Give the use of a grant back, or what another issuer's token has consumed."""
        if grant.endpoint is None or grant.once is not None:
            await self.store.restore(grant)

    async def show(self, token_id: str) -> TokenStatus:
        """Return one of the store's tokens."""
        return await self.store.show(token_id)

    async def revoke(self, token_id: str) -> bool:
        """Take one of the store's tokens back."""
        return await self.store.revoke(token_id)

    async def revoke_vm(self, vm: VMAddress) -> Sequence[str]:
        """Take back all of the store's tokens of a machine."""
        return await self.store.revoke_vm(vm)

    async def revoke_user(self, user: str) -> Sequence[str]:
        """Take back all of the store's tokens of a user."""
        return await self.store.revoke_user(user)

    async def check(self) -> None:
        """Find out whether the store answers."""
        await self.store.check()

    async def ping(self) -> str:
        """Return one line about the store."""
        return await self.store.ping()

    async def losses(self) -> Sequence[str]:
        """Return in which ways the store may forget."""
        return await self.store.losses() if IMayForget.providedBy(self.store) else ()

    async def sentinels(self) -> Sequence[tuple[str, str, str]]:
        """Return what each sentinel of the store says."""
        return await self.store.sentinels() if IHasSentinels.providedBy(self.store) else ()

    async def close(self) -> None:
        """Let go of all connections."""
        for source in self._sources.values():
            await source.close()
        await self.store.close()
