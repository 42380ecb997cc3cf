"""Tokens over HTTP: issue, show and revoke."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass

from twisted.logger import Logger

from ...errors import EndedByAdministrator, Forbidden
from ...interfaces import ITokenStore
from ...model import ConsoleType, Token, UnixTime, VMAddress, secret_id
from ...text import printable
from ...tokens.access_url import access_url
from ..authentication import ApiKey
from ..registry import LiveSessions
from ..reply import Refusal, Reply, token_unknown
from .bodies import TokenRequest, status_body, token_body
from .existence import Existence
from .policy import check_policy

_ID = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Issuing:
    """How tokens are issued.

    Attributes:
        ttl: seconds that a token lives when the request does not say.
        max_ttl: the most that a request may ask for.
        urls: the base of the access URL for each type.
        backends: names that a VM's address may begin with.
    """

    ttl: float
    max_ttl: float
    urls: Mapping[ConsoleType, str]
    backends: Container[str]

    def lifetime(self, asked: float | None) -> float:
        """Return the seconds that a token lives.

        Raises:
            Refusal: 422, more than ``max_ttl`` was asked for.
        """
        if asked is not None and asked > self.max_ttl:
            message = f"should be at most {self.max_ttl:g} seconds"
            raise Refusal(422, "invalid-field", message, field="ttl")
        return asked or self.ttl

    def check_backend(self, vm: VMAddress) -> None:
        """Refuse a VM whose backend is not configured.

        Raises:
            Refusal: 422.
        """
        if vm.backend not in self.backends:
            message = f"there is no backend {vm.backend!r}"
            raise Refusal(422, "backend-unknown", message, field="vm")


class Tokens:
    """The tokens' part of the API.

    Args:
        store: where tokens live.
        sessions: where the sessions of revoked tokens are ended.
        issuing: how tokens are issued.
        existence: tells whether machines exist.
        time: wall-clock time.
    """

    log = Logger()

    def __init__(
        self,
        store: ITokenStore,
        sessions: LiveSessions,
        issuing: Issuing,
        existence: Existence,
        time: Callable[[], UnixTime],
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._issuing = issuing
        self._existence = existence
        self._time = time

    async def issue(self, key: ApiKey, request: TokenRequest) -> Reply:
        """Issue a token: 201 with its secret and access URL, which are told nowhere else.

        Raises:
            Refusal: 403 or 422, with the field that cannot be.
            BackendError: whether the machine exists was asked for, and cannot be told.
            StoreUnavailable: nothing was issued.
        """
        key.require_backend(request.vm.backend)
        token = self._token(request)
        if request.check:
            await self._existence.check(token.vm)
            token = self._token(request)  # its time begins now
        secret = await self._store.issue(token)
        token_id = secret_id(secret)
        self._note("issued", key, token=token_id[:12], vm=token.vm, user=token.user)
        url = access_url(self._issuing.urls[token.type], secret)
        body = {"id": token_id, "token": secret, "url": url, **token_body(token)}
        return Reply(201, body, (("Location", f"/v1/tokens/{token_id}"),))

    async def show(self, key: ApiKey, token_id: str) -> Reply:
        """Show a token that can still be redeemed or resumed.

        Raises:
            Refusal: 404, there is none, or not for this key.
            TokenUnknown: there is none.
        """
        if not _ID.fullmatch(token_id):
            raise token_unknown()
        status = await self._store.show(token_id)
        if not key.may_touch(status.token.vm.backend):
            raise token_unknown()
        return Reply(200, status_body(status))

    async def revoke(self, key: ApiKey, token_id: str) -> Reply:
        """Revoke one token and end its sessions, also those that outlived it in the store.

        Raises:
            Refusal: 404, there is neither a token nor a session, or not for this key.
        """
        vm = await self._vm_of(token_id)
        if vm is None or not key.may_touch(vm.backend):
            raise token_unknown()
        ended = 0
        try:
            revoked = await self._store.revoke(token_id)
        finally:
            ended = self._sessions.end_where(EndedByAdministrator(), token_id=token_id)
        self._note("revoked", key, token=token_id[:12], vm=vm, ended=ended)
        return _revoked(int(revoked), ended)

    async def revoke_vm(self, key: ApiKey, vm: VMAddress) -> Reply:
        """Revoke all tokens of a machine and end its sessions; the backend may be gone already.

        Raises:
            Refusal: 403, the key may not touch the machine's backend.
        """
        key.require_backend(vm.backend)
        try:
            revoked = len(await self._store.revoke_vm(vm))
        finally:
            ended = self._sessions.end_where(EndedByAdministrator(), vm=vm)
        self._note("revoked", key, vm=vm, revoked=revoked, ended=ended)
        return _revoked(revoked, ended)

    async def revoke_user(self, key: ApiKey, user: str) -> Reply:
        """Revoke all tokens of a user and end the user's sessions.

        Raises:
            Refusal: 403, the key may not touch every backend that the user may have tokens for.
        """
        if not key.unrestricted:
            raise Refusal(
                Forbidden.status,
                Forbidden.code,
                f"the key {key.name!r} is limited to some backends; a user's tokens are revoked "
                "with a key for all of them",
                field="user",
            )
        try:
            revoked = len(await self._store.revoke_user(user))
        finally:
            ended = self._sessions.end_where(EndedByAdministrator(), user=user)
        self._note("revoked", key, user=user, revoked=revoked, ended=ended)
        return _revoked(revoked, ended)

    def _token(self, request: TokenRequest) -> Token:
        self._issuing.check_backend(request.vm)
        policy = check_policy(request.policy)
        now = self._time()
        expires_at = now + self._issuing.lifetime(request.ttl)
        return Token(request.vm, request.user, request.type, policy, now, expires_at)

    async def _vm_of(self, token_id: str) -> VMAddress | None:
        if not _ID.fullmatch(token_id):
            return None
        for session in self._sessions.list():
            if session.token_id == token_id:
                return session.vm
        return (await self._store.show(token_id)).token.vm

    def _note(self, done: str, key: ApiKey, **facts: object) -> None:
        words = ", ".join(f"{name} {printable(str(value))}" for name, value in facts.items())
        self.log.info(
            "api key {key} {done}: {words}", key=key.name, done=done, words=words, **facts
        )


def _revoked(revoked: int, ended: int) -> Reply:
    return Reply(200, {"revoked": revoked, "ended": ended})
