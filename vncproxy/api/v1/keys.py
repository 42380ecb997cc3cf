"""API keys over HTTP: create, list and revoke. None may do more than the key that asks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from twisted.logger import Logger

from ...answers import CreatedKey, Key, KeyList, RevokedKey
from ...config.scope import OF_THEIR_OWN, Access, Scope
from ...errors import Forbidden
from ...interfaces import IPortalStore
from ...model import LATER_BOUNDS, NO_BOUNDS, PolicyBounds, UnixTime
from ...portals.limits import KEYS_OF_A_NAME, LONGEST_KEY
from ...tokens.bounds import BeyondBounds
from ...tokens.delegation import narrowed_bounds
from ..audit import ApiAudit
from ..caller import ALL_BACKENDS, Caller
from ..keys import ApiKeys, new_api_key
from ..reply import Refusal, Reply
from ..stored_keys import StoredKey
from .bodies import timestamp

DEFAULT_LIFE = 90 * 86400.0
"""Seconds that a key lives where the request does not say."""

KEY_ID = re.compile(r"[0-9a-f]{64}")
_POLICY = TypeAdapter(PolicyBounds)

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]


class KeyRequest(Access):
    """What a new key may do; what is left out is what the key that asks may do.

    Attributes:
        name: as in logs and in the audit; two keys may have the same, while one takes the place of
            the other.
        scopes: what it may do.
        backends: those that it may use; ``*`` for all.
        vms: patterns for the machines that it may use.
        match_names: whether patterns are matched with names, which tenants may choose; false where
            it is left out, whatever the key that asks may do.
        policy: the most that its links may do.
        requests_per_minute: how many it may send.
        expires_in: seconds that it lives, at most 400 days.
    """

    model_config = ConfigDict(
        strict=True,
        json_schema_extra={
            "examples": [{"name": "portal", "scopes": ["issue"], "vms": ["kvm/web-*"]}]
        },
    )

    name: Name
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    expires_in: Annotated[float, Field(gt=0, le=LONGEST_KEY)] | None = None


class KeysView:
    """The routes of keys.

    Args:
        store: where created keys live.
        configured: the keys of the configuration.
        time: the wall clock.
    """

    log = Logger()

    def __init__(
        self,
        store: IPortalStore,
        configured: ApiKeys,
        audit: ApiAudit,
        time: Callable[[], UnixTime],
    ) -> None:
        self._store = store
        self._configured = configured
        self._audit = audit
        self._time = time

    async def create(self, caller: Caller, request: KeyRequest) -> Reply[CreatedKey]:
        """Create a key: 201 with its secret, which no later answer repeats.

        Raises:
            Refusal: 403, it would be able to do more than the caller; 409, there are two of the
                name, or the name is another's, or there are too many.
            StoreUnavailable: whether it was created is not known.
        """
        key = self._narrowed(caller, request)
        await self._check_name(caller, key.name)
        secret, digest = new_api_key()
        key_id = digest.removeprefix("sha256:")
        life = key.expires_at - key.created_at
        record = _encode(key)
        done = await self._store.add_key(key_id, key.name, record, life)
        if done != "added":
            raise _conflict(_FULL[done])
        self._audit.key_changed(caller, "api-key-create", key.name, key_id)
        self._log_change("created", caller, key.name, key_id)
        body: CreatedKey = {**_body(key_id, key.bearer(key_id), stored=key), "key": secret}
        return Reply(201, body, (("Location", f"/v1/keys/{key_id}"),))

    async def list(self, caller: Caller) -> Reply[KeyList]:
        """Return the keys that may do no more than the caller.

        Raises:
            StoreUnavailable: those that were created cannot be read.
        """
        stored = await self._stored(caller)
        ages: Mapping[str, float] = await self._store.last_uses()
        now = self._time()
        bodies = [
            *(_body(*each) for each in self._of_configuration(caller)),
            *(_body(key_id, key.bearer(key_id), stored=key) for key_id, key in stored.items()),
        ]
        for body in bodies:
            if body["id"] in ages:
                body["last_used_at"] = timestamp(now - ages[body["id"]])
        return Reply(200, {"keys": bodies})

    async def revoke(self, caller: Caller, key_id: str) -> Reply[RevokedKey]:
        """Revoke a key that was created by the API; all proxies refuse it within a second.

        Raises:
            Refusal: 404, there is none, or not for this caller; 409, it stands in the
                configuration.
            StoreUnavailable: whether it is revoked is not known.
        """
        record = await self._store.find_key(key_id) if KEY_ID.fullmatch(key_id) else None
        key = None if record is None else _read(record)
        if key is None or not _is_within(key.bearer(key_id), caller):
            if any(key_id == each for each, _ in self._of_configuration(caller)):
                raise _conflict("it stands in the configuration, where it is taken out")
            raise _unknown()
        if not await self._store.remove_key(key_id, key.name):
            raise _unknown()
        self._audit.key_changed(caller, "api-key-revoke", key.name, key_id)
        self._log_change("revoked", caller, key.name, key_id)
        return Reply(200, {"revoked": 1})

    def _narrowed(self, caller: Caller, request: KeyRequest) -> StoredKey:
        """Return the key that is asked for, with no more than the caller may do."""
        given, now = request.model_fields_set, self._time()
        asked = request.model_copy(
            update={
                "backends": request.backends if "backends" in given else tuple(caller.backends),
                "vms": request.vms if "vms" in given else caller.vms,
                "policy": narrowed_bounds(request.policy, caller.policy),
            }
        )
        _check_rights(caller, asked)
        credential = caller.credential
        rates = (
            tuple((rate.name, rate.per_minute) for rate in credential.rates) if credential else ()
        )
        if request.requests_per_minute is not None:
            rates = (*rates, (f"key:{request.name}", request.requests_per_minute))
        ends = now + (request.expires_in or DEFAULT_LIFE)
        if credential is not None and credential.expires_at is not None:
            ends = min(ends, credential.expires_at)
        rights = {name: getattr(asked, name) for name in Access.model_fields}
        return StoredKey(
            name=request.name,
            rates=rates,
            created_by=caller.name,
            created_at=now,
            expires_at=ends,
            **rights,
        )

    async def _check_name(self, caller: Caller, name: str) -> None:
        if any(name == key.bearer.name for key in self._configured.configured):
            raise _conflict("a key of the configuration has this name")
        for _, record in await self._store.keys():
            key = _read(record)
            if key is not None and key.name == name and not _is_within(key.bearer(""), caller):
                raise _conflict("another key has this name")

    async def _stored(self, caller: Caller) -> Mapping[str, StoredKey]:
        read = ((key_id, _read(record)) for key_id, record in await self._store.keys())
        return {
            key_id: key
            for key_id, key in read
            if key is not None and _is_within(key.bearer(key_id), caller)
        }

    def _of_configuration(self, caller: Caller) -> Iterable[tuple[str, Caller]]:
        for key in self._configured.configured:
            credential = key.credential()
            bearer = replace(key.bearer, credential=credential)
            if _is_within(bearer, caller):
                yield credential.id, bearer

    def _log_change(self, done: str, caller: Caller, name: str, key_id: str) -> None:
        self.log.info(
            "api {kind} {key} {done} the key {name} ({id})",
            kind=caller.kind,
            key=caller.name,
            done=done,
            name=name,
            id=key_id[:12],
        )


def _check_rights(caller: Caller, asked: Access) -> None:
    """Refuse a key that may do more than the caller.

    Raises:
        Refusal: 403, with the field.
    """
    if field := _beyond(asked.scopes, frozenset(asked.backends), asked, caller):
        message = f"the {caller} may not give what it does not have"
        raise Refusal(Forbidden.status, Forbidden.code, message, field=field)


def _beyond(
    scopes: frozenset[Scope], backends: frozenset[str], rights: Access | Caller, caller: Caller
) -> str:
    """Return the first field in which some rights are more than a caller's; empty for none."""
    implied = frozenset(Scope) - OF_THEIR_OWN if Scope.ADMIN in caller.scopes else frozenset()
    if not scopes <= caller.scopes | implied:
        return "scopes"
    if ALL_BACKENDS not in caller.backends and not backends <= caller.backends:
        return "backends"
    if not caller.vms.covers(rights.vms):
        return "vms"
    return "match_names" if rights.match_names and not caller.match_names else ""


def _is_within(other: Caller, caller: Caller) -> bool:
    """Tell whether a key may do no more than a caller, which may then see and revoke it."""
    try:
        bounded = narrowed_bounds(other.policy, caller.policy) == other.policy
    except BeyondBounds:
        return False
    return bounded and not _beyond(other.scopes, other.backends, other, caller)


def _read(record: bytes) -> StoredKey | None:
    try:
        return StoredKey.model_validate_json(record)
    except ValidationError:
        return None


def _encode(key: StoredKey) -> bytes:
    """Return a key's record; earlier proxies refuse one with members that they do not know."""
    policy = key.policy
    unset = {each for each in LATER_BOUNDS if getattr(policy, each) == getattr(NO_BOUNDS, each)}
    return key.model_dump_json(exclude={"policy": unset}).encode()


def _body(key_id: str, bearer: Caller, stored: StoredKey | None = None) -> Key:
    credential = bearer.credential
    rates = [rate.per_minute for rate in credential.rates] if credential else []
    ends = credential.expires_at if credential else None
    policy: Any = _POLICY.dump_python(bearer.policy, mode="json")
    return {
        "id": key_id,
        "name": bearer.name,
        "source": "configuration" if stored is None else "store",
        "scopes": sorted(scope.value for scope in bearer.scopes),
        "backends": sorted(bearer.backends),
        "vms": list(bearer.vms.texts),
        "match_names": bearer.match_names,
        "policy": policy,
        "requests_per_minute": min(rates, default=None),
        "created_at": None if stored is None else timestamp(stored.created_at),
        "created_by": None if stored is None else stored.created_by,
        "expires_at": None if ends is None else timestamp(ends),
        "last_used_at": None,
    }


_FULL = {
    "two": f"there are {KEYS_OF_A_NAME} keys of this name; revoke one first",
    "full": "there are too many keys; revoke some",
}


def _conflict(message: str) -> Refusal:
    return Refusal(409, "key-conflict", message)


def _unknown() -> Refusal:
    return Refusal(404, "key-unknown", "there is no such key")
