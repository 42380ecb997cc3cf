"""The requests of the API: `Api` serves these and no others."""

from __future__ import annotations

from typing import Any

from ...answers import (
    CreatedKey,
    Draining,
    Health,
    IssuedToken,
    KeyList,
    Powered,
    ProxyList,
    Readiness,
    Revocation,
    RevokedKey,
    Self,
    StoredToken,
    ZoneAbout,
    ZoneMachine,
    ZoneToken,
)
from ...config.scope import Scope
from .bodies import TokenRequest
from .events import EVENTS
from .keys import KeyRequest
from .machine_operations import LIST_MACHINES, POWER, SCREENSHOT
from .operation import Operation
from .parameters import (
    JTI,
    SIGNER,
    USER,
    VM,
)
from .problems import (
    ASKING_ZONES,
    BACKEND_ERROR,
    BACKEND_UNKNOWN,
    KEY_CONFLICT,
    KEY_UNKNOWN,
    NO_PROXY,
    NOT_READY,
    NOT_RUNNING,
    POLICY_UNSUPPORTED,
    POWER_DENIED,
    POWER_STATE,
    POWER_UNSUPPORTED,
    PROXY_UNKNOWN,
    REFUSING_ZONES,
    STORE_UNAVAILABLE,
    TOKEN_UNKNOWN,
    TOO_MANY_READERS,
    VM_NOT_FOUND,
)
from .recording_operations import (
    DELETE_RECORDING,
    GET_FILE,
    LINK_RECORDING,
    LIST_RECORDINGS,
    REVOKE_LINKS,
    SHOW_RECORDING,
)
from .screen_operations import TYPE_KEYS, WAIT_SCREEN
from .session_operations import (
    APPROVE_SESSION,
    CHANGE_SESSION,
    DENY_SESSION,
    DRIVE_SESSION,
    END_SESSION,
    END_SESSIONS,
    INVITE_TO_SESSION,
    LIST_APPROVALS,
    LIST_SESSIONS,
    MESSAGE_SESSION,
    SHADOW_SESSION,
    SHOW_SESSION,
    WITHDRAW_APPROVAL,
)

ISSUE_TOKEN = Operation(
    "issueToken",
    "POST",
    "/v1/tokens",
    IssuedToken,
    "Issue a token: a link that opens a console.",
    "With `check`, the backend is asked first; without it, no hypervisor is called, unless proxies"
    " serve the machines of some hosts only.",
    scopes=(Scope.ISSUE,),
    status=201,
    body=TokenRequest,
    repeats=True,
    causes=(
        BACKEND_UNKNOWN,
        VM_NOT_FOUND,
        POLICY_UNSUPPORTED,
        BACKEND_ERROR,
        NO_PROXY,
        NOT_RUNNING,
        STORE_UNAVAILABLE,
        *ASKING_ZONES,
    ),
    ids={"token_id": "/id"},
)
CREATE_KEY = Operation(
    "createKey",
    "POST",
    "/v1/keys",
    CreatedKey,
    "Create a key that may do no more than the one that asks.",
    "What is left out is what that one may do, but `match_names`, which is false then. "
    "Two keys may have one name. With `vm` in the query, the request is that of `typeKeys`.",
    scopes=(Scope.KEYS,),
    status=201,
    body=KeyRequest,
    repeats=True,
    causes=(KEY_CONFLICT, STORE_UNAVAILABLE),
    ids={"key_id": "/id"},
)
LIST_KEYS = Operation(
    "listKeys",
    "GET",
    "/v1/keys",
    KeyList,
    "List the keys that may do no more than the one that asks, without their secrets.",
    scopes=(Scope.KEYS,),
    causes=(STORE_UNAVAILABLE,),
)
REVOKE_KEY = Operation(
    "revokeKey",
    "DELETE",
    "/v1/keys/{key_id}",
    RevokedKey,
    "Revoke a key that was created by the API.",
    scopes=(Scope.KEYS,),
    causes=(KEY_UNKNOWN, KEY_CONFLICT, STORE_UNAVAILABLE),
)
REVOKE_TOKENS = Operation(
    "revokeTokens",
    "DELETE",
    "/v1/tokens",
    Revocation,
    "Revoke all tokens of a machine or of a user, or signed links, and end their sessions.",
    "Exactly one of the parameters is given. Having nothing to revoke is no error.",
    scopes=(Scope.ISSUE,),
    query=(VM, USER, JTI, SIGNER),
    causes=(STORE_UNAVAILABLE,),
)
SHOW_TOKEN = Operation(
    "showToken",
    "GET",
    "/v1/tokens/{token_id}",
    StoredToken,
    "Show a token that can still be redeemed or resumed.",
    scopes=(Scope.ISSUE, Scope.READ),
    causes=(TOKEN_UNKNOWN, STORE_UNAVAILABLE),
)
REVOKE_TOKEN = Operation(
    "revokeToken",
    "DELETE",
    "/v1/tokens/{token_id}",
    Revocation,
    "Revoke a token and end its sessions.",
    scopes=(Scope.ISSUE,),
    causes=(TOKEN_UNKNOWN, STORE_UNAVAILABLE),
)
LIST_PROXIES = Operation(
    "listProxies",
    "GET",
    "/v1/proxies",
    ProxyList,
    "List the proxies that share their tokens, and how they differ.",
    scopes=(Scope.READ,),
    causes=(STORE_UNAVAILABLE,),
    ids={"proxy_id": "/proxies/0/id"},
)
FOLLOW_EVENTS = Operation(
    "followEvents",
    "GET",
    "/v1/events",
    str,
    "Follow what goes on, as server-sent events, until the connection ends.",
    "`proxies` has what `listProxies` answers, after each change; `sessions` says that sessions"
    " began, changed or ended: list them again. `problem` is an error, `end` the last event, whose"
    " `reason` is `key-revoked`, `slow`, `reloaded`, `draining`, `stopping` or `failed`. Each comes"
    " at most once a second.",
    scopes=(Scope.READ,),
    causes=(TOO_MANY_READERS, STORE_UNAVAILABLE),
    media_type=EVENTS,
)
SHOW_SELF = Operation(
    "showSelf",
    "GET",
    "/v1/self",
    Self,
    "Show what the key that asks may do.",
    scopes=tuple(Scope),
)
DRAIN_PROXY = Operation(
    "drainProxy",
    "POST",
    "/v1/proxies/{proxy_id}/drain",
    Draining,
    "Let a proxy take no new sessions, and move or end those that it has.",
    scopes=(Scope.ADMIN,),
    status=202,
    causes=(PROXY_UNKNOWN, STORE_UNAVAILABLE),
)
ISSUE_ZONE_TOKEN = Operation(
    "issueZoneToken",
    "POST",
    "/v1/zones/tokens",
    ZoneToken,
    "Issue a token for a session of another zone.",
    signed=True,
    status=201,
    causes=(*REFUSING_ZONES, BACKEND_ERROR, STORE_UNAVAILABLE, *ASKING_ZONES),
)
CHECK_FOR_ZONE = Operation(
    "checkForZone",
    "POST",
    "/v1/zones/checks",
    ZoneMachine,
    "Tell another zone whether a machine exists.",
    signed=True,
    causes=(*REFUSING_ZONES, BACKEND_ERROR, STORE_UNAVAILABLE, *ASKING_ZONES),
)
POWER_FOR_ZONE = Operation(
    "powerForZone",
    "POST",
    "/v1/zones/power",
    Powered,
    "Start, stop or reset a machine for a user of another zone.",
    signed=True,
    later=True,
    causes=(
        *REFUSING_ZONES,
        POWER_STATE,
        POWER_UNSUPPORTED,
        POWER_DENIED,
        BACKEND_ERROR,
        STORE_UNAVAILABLE,
        *ASKING_ZONES,
    ),
)
TELL_ZONE = Operation(
    "tellZone",
    "GET",
    "/v1/zones/about",
    ZoneAbout,
    "Tell another zone about this one.",
    signed=True,
    causes=(*REFUSING_ZONES, STORE_UNAVAILABLE),
)
DESCRIBE = Operation(
    "describe",
    "GET",
    "/v1/openapi.json",
    dict[str, Any],
    "Describe the API: this document.",
)
METRICS = Operation(
    "showMetrics",
    "GET",
    "/metrics",
    str,
    "Show the metrics in Prometheus' text format.",
    scopes=(Scope.READ,),
    media_type="text/plain",
)
ALIVE = Operation("alive", "GET", "/healthz", Health, "Tell that the process answers.")
READY = Operation(
    "ready",
    "GET",
    "/readyz",
    Readiness,
    "Tell whether a session could begin now.",
    causes=(NOT_READY,),
)

OPERATIONS: tuple[Operation[Any], ...] = (
    ISSUE_TOKEN,
    SHOW_TOKEN,
    REVOKE_TOKEN,
    REVOKE_TOKENS,
    CREATE_KEY,
    LIST_KEYS,
    REVOKE_KEY,
    LIST_MACHINES,
    POWER,
    LIST_SESSIONS,
    SHOW_SESSION,
    CHANGE_SESSION,
    MESSAGE_SESSION,
    END_SESSION,
    END_SESSIONS,
    SHADOW_SESSION,
    INVITE_TO_SESSION,
    LIST_APPROVALS,
    APPROVE_SESSION,
    WITHDRAW_APPROVAL,
    DENY_SESSION,
    DRIVE_SESSION,
    LIST_RECORDINGS,
    SHOW_RECORDING,
    DELETE_RECORDING,
    GET_FILE,
    LINK_RECORDING,
    REVOKE_LINKS,
    LIST_PROXIES,
    FOLLOW_EVENTS,
    SHOW_SELF,
    DRAIN_PROXY,
    ISSUE_ZONE_TOKEN,
    CHECK_FOR_ZONE,
    POWER_FOR_ZONE,
    TELL_ZONE,
    DESCRIBE,
    SCREENSHOT,
    WAIT_SCREEN,
    TYPE_KEYS,
    METRICS,
    ALIVE,
    READY,
)
"""All of them, in the order in which they are described."""
