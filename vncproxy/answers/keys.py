"""API keys."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from .power import Action
from .values import Count, Described, Time

KeyId = Annotated[str, Described(pattern="^[0-9a-f]{64}$")]
"""The SHA-256 of a key."""


class KeyPolicy(TypedDict):
    """The most that the links of a key may do; null or empty where there is no bound.

    Attributes:
        mode: ``view-only`` allows no control.
        sharing: the only one that is allowed.
        max_duration: the longest session in seconds.
        idle_timeout: the most seconds without a byte.
        client_networks: those from which users may connect; empty for any.
        allowed_origins: those that a policy may name; null for any.
        record: whether sessions have to be recorded.
        uses: the most times that a token can be redeemed.
        confirm: whether a browser's user has to press a button first.
        clipboard: the directions that a policy may allow.
        may_invite: the most that users may let guests do.
        hours: weekly windows within which sessions may be open; empty for any time.
        bandwidth: the most bytes in a second to a viewer.
        power: what a policy may let users do to a machine's power; null for any of it.
        banner: the text that users have to accept, before that of a policy; empty for none.
        approval: how many have to approve, at least.
    """

    mode: Annotated[str | None, Described(enum=["control", "view-only", None])]
    sharing: Annotated[str | None, Described(enum=["shared", "exclusive", "take-over", None])]
    max_duration: float | None
    idle_timeout: float | None
    client_networks: list[str]
    allowed_origins: list[str] | None
    record: bool
    uses: Count | None
    confirm: bool
    clipboard: Annotated[
        str | None, Described(enum=["none", "to-guest", "from-guest", "both", None])
    ]
    may_invite: Annotated[str | None, Described(enum=["none", "view-only", "control", None])]
    hours: list[str]
    bandwidth: Count | None
    power: list[Action] | None
    banner: str
    approval: Count


class Key(TypedDict):
    """A key without its secret.

    Attributes:
        id: by which it is revoked; may be logged.
        name: as in logs and in the audit.
        source: whether it stands in the configuration, or was created by the API.
        scopes: what it may do.
        backends: those that it may use; ``*`` for all.
        vms: patterns for the machines that it may use.
        match_names: whether patterns are matched with names, which tenants may choose.
        policy: the most that its links may do.
        requests_per_minute: how many it may send; null for any number.
        created_at: null for one of the configuration.
        created_by: the name of the key that created it; null for one of the configuration.
        expires_at: null for never.
        last_used_at: some seconds late; null where it is not known.
    """

    id: KeyId
    name: str
    source: Annotated[str, Described(enum=["configuration", "store"])]
    scopes: list[str]
    backends: list[str]
    vms: list[str]
    match_names: bool
    policy: KeyPolicy
    requests_per_minute: int | None
    created_at: Time | None
    created_by: str | None
    expires_at: Time | None
    last_used_at: Time | None


class CreatedKey(Key):
    """A new key, the only answer with its secret.

    Attributes:
        key: the secret.
    """

    key: str


class KeyList(TypedDict):
    """The keys that may do no more than the one that asks."""

    keys: list[Key]


class RevokedKey(TypedDict):
    """What a revocation did.

    Attributes:
        revoked: 1; all proxies refuse the key within a second.
    """

    revoked: Count
