"""Tokens over HTTP: issue, show and revoke."""

from __future__ import annotations

import re
from dataclasses import replace

from twisted.logger import Logger

from ...answers import IssuedToken, Revocation, StoredToken
from ...config.scope import Scope
from ...errors import EndedByAdministrator, Forbidden, StoreUnavailable, TokenRefused
from ...interfaces import ILinkStore, ILoginStore, ISessionRegistry, ITokenStore
from ...model import Ended, SessionFilter, VMAddress
from ...text import printable
from ...tokens.bounds import narrowed
from ...tokens.external.link_claims import link_id
from ...tokens.issuing import TokenIssuer
from ..audit import ApiAudit
from ..caller import ALL_BACKENDS, Caller
from ..permissions import Permissions
from ..reply import Refusal, Reply, token_unknown
from .bodies import TokenRequest, issued_body, revoked_reply, status_body

_ID = re.compile(r"[0-9a-f]{64}")


class Tokens:
    """The routes of tokens.

    Args:
        store: where tokens live.
        sessions: where the sessions of revoked tokens are ended.
        issuer: issues tokens.
        permissions: which machines a caller may use.
        audit: writes what was done.
        logins: where the logins of revoked users are ended; None where there are none.
    """

    log = Logger()

    def __init__(
        self,
        store: ITokenStore,
        sessions: ISessionRegistry,
        issuer: TokenIssuer,
        permissions: Permissions,
        audit: ApiAudit,
        logins: ILoginStore | None = None,
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._issuer = issuer
        self._permissions = permissions
        self._audit = audit
        self._logins = logins

    async def issue(self, caller: Caller, request: TokenRequest) -> Reply[IssuedToken]:
        """Issue a token: 201 with its secret and access URL, which no later answer repeats.

        Raises:
            Refusal: 403, the caller may not use the machine, or not its power.
            IssueRefused: with the field that cannot be.
            BackendError: the machine is to be checked, and the backend fails.
            StoreUnavailable: nothing was issued.
        """
        self._permissions.require(caller, request.vm)
        policy = narrowed(request.policy, caller.policy)
        if policy.power:
            caller.require_scope(Scope.POWER)
        issued = await self._issuer.issue(replace(request.for_issuer(), policy=policy))
        token = issued.token
        self._audit.issued(caller, issued.id, token.vm, token.user)
        self._log_change("issued", caller, token=issued.id[:12], vm=token.vm, user=token.user)
        return Reply(201, issued_body(issued), (("Location", f"/v1/tokens/{issued.id}"),))

    async def show(self, caller: Caller, token_id: str) -> Reply[StoredToken]:
        """Show a token that can still be redeemed or resumed.

        Raises:
            Refusal: 404, there is none, or not for this caller.
            TokenUnknown: there is none.
        """
        if not _ID.fullmatch(token_id):
            raise token_unknown()
        status = await self._store.show(token_id)
        if not self._permissions.allow(caller, status.token.vm):
            raise token_unknown()
        return Reply(200, status_body(status))

    async def revoke(self, caller: Caller, token_id: str) -> Reply[Revocation]:
        """Revoke one token and end its sessions, those included that outlived it in the store.

        Raises:
            Refusal: 404, there is neither a token nor a session, or not for this caller.
        """
        vm = await self._vm_of(caller, token_id)
        if vm is not None and not self._permissions.allow(caller, vm):
            raise token_unknown()
        revoked = False
        try:
            if vm is not None or caller.unrestricted:
                revoked = await self._store.revoke(token_id)
        finally:
            ended = await self._end_of_token(caller, token_id, vm)
        if ended and not revoked:
            revoked = await self._store.revoke(token_id)
        if vm is None and not (revoked or ended or ended.unconfirmed):
            raise token_unknown()
        self._audit.revoked(caller, int(revoked), ended, token=token_id[:12], vm=vm)
        self._log_change("revoked", caller, token=token_id[:12], vm=vm, ended=int(ended))
        return revoked_reply(int(revoked), ended)

    async def revoke_vm(self, caller: Caller, vm: VMAddress) -> Reply[Revocation]:
        """Revoke all tokens of a machine and end its sessions; the backend may be gone already.

        Raises:
            Refusal: 403, the caller may not use the machine.
        """
        self._permissions.require(caller, vm)
        try:
            revoked = len(await self._store.revoke_vm(vm))
        finally:
            ended = await self._end(caller, SessionFilter(vm=vm))
        self._audit.revoked(caller, revoked, ended, vm=vm)
        self._log_change("revoked", caller, vm=vm, revoked=revoked, ended=int(ended))
        return revoked_reply(revoked, ended)

    async def revoke_user(self, caller: Caller, user: str) -> Reply[Revocation]:
        """Revoke all tokens of a user and end the user's logins and sessions.

        Raises:
            Refusal: 403, the caller may not touch every machine that the user may have tokens for.
        """
        _require_all_machines(caller, "user")
        try:
            if self._logins is not None:  # first: a user that is logged in makes links
                await self._logins.remove_user(user)
            if ILinkStore.providedBy(self._store):
                await ILinkStore(self._store).revoke_links_of_user(user)
            revoked = len(await self._store.revoke_user(user))
        finally:
            ended = await self._end(caller, SessionFilter(user=user))
        self._audit.revoked(caller, revoked, ended, user=user)
        self._log_change("revoked", caller, user=user, revoked=revoked, ended=int(ended))
        return revoked_reply(revoked, ended)

    async def revoke_link(self, caller: Caller, name: str) -> Reply[Revocation]:
        """Revoke a signed link, also one that was never used, and end its sessions.

        Args:
            name: its token source and its ``jti``, with a slash between them.

        Raises:
            Refusal: 403, the caller may not touch every machine.
        """
        _require_all_machines(caller, "jti")
        signer, _, jti = name.partition("/")
        token_id = link_id(signer, f"jti:{jti}")
        try:
            known = await self._links().revoke_link(token_id)
        finally:
            ended = await self._end(caller, SessionFilter(tokens=frozenset({token_id})))
        self._audit.revoked(caller, int(known), ended, signer=signer, jti=jti)
        self._log_change("revoked", caller, signer=signer, jti=jti, ended=int(ended))
        return revoked_reply(int(known), ended)

    async def revoke_signer(self, caller: Caller, signer: str) -> Reply[Revocation]:
        """Refuse all links of a token source from now on, and end their sessions.

        Raises:
            Refusal: 403, the caller may not touch every machine.
        """
        _require_all_machines(caller, "signer")
        try:
            await self._links().revoke_signer(signer)
        finally:
            ended = await self._end(caller, SessionFilter(signer=signer))
        self._audit.revoked(caller, 0, ended, signer=signer)
        self._log_change("revoked", caller, signer=signer, ended=int(ended))
        return revoked_reply(0, ended)

    def _links(self) -> ILinkStore:
        return ILinkStore(self._store)

    async def _vm_of(self, caller: Caller, token_id: str) -> VMAddress | None:
        """Return the machine of a token; None where the store knows neither.

        Raises:
            Refusal: 404, it is no id.
            StoreUnavailable: the sessions that can be reached are ended.
        """
        if not _ID.fullmatch(token_id):
            raise token_unknown()
        try:
            return (await self._store.show(token_id)).token.vm
        except TokenRefused:
            return None
        except StoreUnavailable:
            await self._end_of_token(caller, token_id, None)
            raise

    async def _end_of_token(self, caller: Caller, token_id: str, vm: VMAddress | None) -> Ended:
        """End the sessions of a token; where its machine is not known, those that the caller sees.

        Args:
            vm: the token's machine, which the caller may use.
        """
        allows = self._permissions.filter(caller)
        if vm is not None or allows is None:
            return await self._end(caller, SessionFilter(tokens=frozenset({token_id})))
        wanted = SessionFilter(tokens=frozenset({token_id}))
        found = await self._sessions.list(wanted, allows=allows)
        ids = frozenset(session.id for session in found)
        return await self._end(caller, replace(wanted, ids=ids)) if ids else Ended(0)

    async def _end(self, caller: Caller, wanted: SessionFilter) -> Ended:
        why = EndedByAdministrator(f"by {caller}")
        backends = None if ALL_BACKENDS in caller.backends else caller.backends
        wanted = replace(wanted, backends=backends)
        return await self._sessions.end_where(why, wanted, by=str(caller))

    def _log_change(self, done: str, caller: Caller, **facts: object) -> None:
        text = ", ".join(f"{name} {printable(str(value))}" for name, value in facts.items())
        self.log.info(
            "api {kind} {key} {done}: {words}",
            kind=caller.kind,
            key=caller.name,
            done=done,
            words=text,
            **facts,
        )


def _require_all_machines(caller: Caller, field: str) -> None:
    if not caller.unrestricted:
        message = (
            f"the {caller} is limited to some machines; all of a {field} is revoked with a key "
            "for all of them"
        )
        raise Refusal(Forbidden.status, Forbidden.code, message, field=field)
