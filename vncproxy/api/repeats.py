"""Requests that may be sent again: one ``Idempotency-Key`` has one effect, and one answer.

The kept answer holds the secret of a token or key, so it is sealed (AES-256-GCM) with a key that is
made from the caller's own API key, which no store has.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger
from twisted.web.http_headers import Headers

from ..errors import StoreUnavailable
from ..interfaces import IPortalStore
from ..model import new_claim
from ..portals.limits import KEEP_EVERY
from .caller import Caller, Credential
from .reply import Refusal, Reply

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = ("Idempotent-Replayed", "true")

PATIENCE: Final = 2.0
"""Seconds that a request waits for the answer to an earlier attempt that is under way."""

_PAUSE: Final = 0.1
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_NONCE: Final = 12

Body = TypeVar("Body")


class Repeats:
    """Answers a request once, and its repetitions with the same answer.

    Args:
        store: keeps answers for an hour.
        clock: for the time that one waits for another.
    """

    log = Logger()

    def __init__(self, store: IPortalStore, clock: IReactorTime) -> None:
        self._store = store
        self._clock = clock

    async def once(
        self,
        caller: Caller,
        headers: Headers,
        path: str,
        body: bytes,
        work: Callable[[], Awaitable[Reply[Body]]],
    ) -> Reply[Body]:
        """Return what ``work`` answers, or has answered to an earlier attempt.

        Only answers that are good are kept. Without the header, ``work`` is all that happens.

        Args:
            body: a JSON value.

        Raises:
            Refusal: 400, the header is malformed; 409, an earlier attempt is under way; 422, it
                was sent with another body; 429, there were too many.
            StoreUnavailable: nothing was done.
        """
        key = headers.getRawHeaders(HEADER)
        if key is None:
            return await work()
        credential = caller.credential
        if credential is None or len(key) != 1 or not _KEY.fullmatch(key[0]):
            message = "must be one text of 1 to 255 visible ASCII characters, sent with an API key"
            raise Refusal(400, "bad-request", message, field=HEADER)
        name = _digest(f"{credential.id} {path} {key[0]}".encode())
        digest, claim = _digest(_canonical(body)), new_claim()
        if answer := await self._begin(name, credential.id, digest, claim):
            return _opened(credential, name, answer)
        return await self._attempt(credential, name, digest, claim, work)

    async def _begin(self, name: str, owner: str, digest: str, claim: str) -> str:
        """Return the answer to an earlier attempt; empty when this one is the first."""
        patience = self._clock.seconds() + PATIENCE
        while True:
            state, answer = await self._store.begin(name, owner, digest, claim)
            if state in ("begun", "done"):
                return str(answer)
            if state != "pending" or self._clock.seconds() >= patience:
                raise _REFUSALS[state]()
            await deferLater(self._clock, _PAUSE)

    async def _attempt(
        self,
        credential: Credential,
        name: str,
        digest: str,
        claim: str,
        work: Callable[[], Awaitable[Reply[Body]]],
    ) -> Reply[Body]:
        keeping = self._keep(name, digest, claim)
        try:
            reply = await work()
        except BaseException:
            await self._tell(self._store.abandon(name, digest, claim))
            raise
        finally:
            keeping.stop()
        await self._tell(self._store.finish(name, digest, claim, _sealed(credential, name, reply)))
        return reply

    def _keep(self, name: str, digest: str, claim: str) -> LoopingCall:
        """Keep other attempts from beginning as long as this one goes on, until it is stopped."""

        async def keep() -> None:
            await self._tell(self._store.keep(name, digest, claim))

        keeping = LoopingCall(lambda: Deferred.fromCoroutine(keep()))
        keeping.clock = self._clock
        started = keeping.start(KEEP_EVERY, now=False)
        started.addErrback(lambda why: self.log.failure("a request is not kept pending", why))
        return keeping

    async def _tell(self, telling: Awaitable[None]) -> None:
        """Wait for the store; what was done is done, also where it does not answer."""
        try:
            await telling
        except StoreUnavailable as e:
            self.log.warn("the answer to an Idempotency-Key is not kept: {error}", error=e)


def _canonical(body: bytes) -> bytes:
    return json.dumps(json.loads(body), sort_keys=True).encode()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _sealed(credential: Credential, name: str, reply: Reply[Any]) -> str:
    nonce = os.urandom(_NONCE)
    plain = json.dumps([reply.status, reply.body, reply.headers]).encode()
    sealed = AESGCM(credential.seal).encrypt(nonce, plain, name.encode())
    return base64.urlsafe_b64encode(nonce + sealed).decode()


def _opened(credential: Credential, name: str, answer: str) -> Reply[Any]:
    """Return a kept answer.

    Raises:
        StoreUnavailable: the store has something else, which its bearer cannot have written.
    """
    try:
        sealed = base64.urlsafe_b64decode(answer)
        cipher = AESGCM(credential.seal)
        plain = cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], name.encode())
        status, body, headers = json.loads(plain)
    except (ValueError, InvalidTag) as e:
        raise StoreUnavailable("a kept answer cannot be opened") from e
    reply = Reply(status, body, tuple((each[0], each[1]) for each in headers))
    return replace(reply, headers=(*reply.headers, REPLAYED))


def _pending() -> Refusal:
    message = "a request with this key is under way; try again"
    return Refusal(409, "request-pending", message, field=HEADER, headers=(("Retry-After", "1"),))


def _other() -> Refusal:
    message = "was sent with another body before; a new request needs a new key"
    return Refusal(422, "idempotency-key-reused", message, field=HEADER)


def _full() -> Refusal:
    message = "were too many within an hour; send fewer, or none"
    return Refusal(429, "rate-limited", message, field=HEADER, headers=(("Retry-After", "600"),))


_REFUSALS: Final = {"pending": _pending, "other": _other, "full": _full}
