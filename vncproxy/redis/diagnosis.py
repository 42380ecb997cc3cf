"""What is wrong with Redis, as a sentence that says what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

import txredisapi
from OpenSSL.SSL import Error as TLSError
from service_identity import VerificationError
from twisted.internet import defer
from twisted.internet.error import ConnectError, ConnectingCancelledError, ConnectionAborted

from ..text import system_message

REDIS_ERRORS = (
    txredisapi.RedisError,
    defer.TimeoutError,
    ConnectError,
    ConnectingCancelledError,  # a time limit passed while connecting
    OSError,
)
"""The errors of a call to Redis, connecting included."""


class NotPrimary(txredisapi.RedisError):  # type: ignore[misc]
    """A server that a sentinel named is no primary."""


class PrimaryMoved(txredisapi.RedisError):  # type: ignore[misc]
    """Another server has become the primary; a reason for the end of a connection."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What sentences call the settings.

    Attributes:
        account: what the keys of the account and of TLS begin with.
        primary: how a server that is not the primary comes to be used.
    """

    account: str = "redis."
    primary: str = "redis.host must name the primary"


OF_REDIS = Keys()
OF_MASTER = Keys(primary="a failover may be under way")
OF_SENTINEL = Keys(account="redis.sentinel_")

_ADVICE = (
    ("WRONGPASS", "refuses the log-in: check {account}username and {account}password"),
    ("NOAUTH", "asks for a log-in: set {account}password, and {account}username for an ACL user"),
    ("without any password", "has no password: leave {account}password empty"),
    ("no permissions", "denies a permission, docs/redis.md has an ACL that suffices"),
    ("user executing the script", "denies a permission, docs/redis.md has an ACL that suffices"),
    ("LOADING", "is still loading its data"),
    ("READONLY", "is a read-only replica: {primary}"),
    ("MASTERDOWN", "is a replica that has lost its primary: {primary}"),
    ("NOREPLICAS", "has lost its replicas and refuses changes (min-replicas-to-write)"),
    ("MISCONF", "cannot save to its disk and refuses changes: see its own log"),
    ("OOM", "has reached its maxmemory and refuses to store more: raise maxmemory"),
    ("BUSY", "is busy with a script that runs too long"),
    ("MOVED", "is a node of a Redis Cluster, which is not supported: use a single primary"),
    ("CROSSSLOT", "is a node of a Redis Cluster, which is not supported: use a single primary"),
    ("CLUSTERDOWN", "is a node of a Redis Cluster, which is not supported: use a single primary"),
    ("max number of clients", "has no room for another connection: raise its maxclients"),
    ("DENIED", "is in protected mode: set a password, or bind it to an address of its own"),
    ("DB index is out of range", "has no such database: check redis.db"),
)

_NOT_PRIMARY = ("READONLY", "LOADING", "MASTERDOWN", "NOREPLICAS", "NOAUTH")
"""Answers after which a new connection may lead to another server, which is the primary.

Behind the same name or address there may be another one by now; NOREPLICAS is the answer of a
primary that was cut off from the rest. MISCONF, OOM, BUSY and missing permissions are not here:
they are answers of the primary, and a new connection would change nothing.
"""


def diagnose(error: BaseException, lost: BaseException | None, keys: Keys = OF_REDIS) -> str:
    """Return what is wrong, as the rest of a sentence that begins with ``redis at <address>``.

    Args:
        error: one of ``REDIS_ERRORS``.
        lost: why the connection ended, where it did: only there do TLS errors show.
        keys: what the settings are called.
    """
    match error:
        case defer.TimeoutError() | ConnectingCancelledError():
            return "does not answer in time"
        case txredisapi.ConnectionError():
            return _why_lost(lost, keys)
        case NotPrimary():
            return "is a replica, although a sentinel names it: a failover may be under way"
        case txredisapi.RedisError():
            return _advice(_one_line(error), keys)
        case _:
            return f"cannot be reached: {_one_line(error)}"


def is_not_primary(error: BaseException) -> bool:
    """Tell whether a call failed because its connection may not lead to the primary."""
    return isinstance(error, txredisapi.ResponseError) and any(
        sign in _one_line(error) for sign in _NOT_PRIMARY
    )


def _advice(answer: str, keys: Keys) -> str:
    for sign, advice in _ADVICE:
        if sign in answer:
            text = advice.format(account=keys.account, primary=keys.primary)
            return f"{text} ({answer})"
    return f"answers: {answer}"


def _why_lost(lost: BaseException | None, keys: Keys) -> str:
    match lost:
        case PrimaryMoved():
            return "is not the primary any more, says a sentinel"
        case TLSError():
            options = f"{keys.account}tls and {keys.account}ca_file"
            return f"cannot be trusted: check {options} ({_one_line(lost)})"
        case VerificationError():
            return f"has a certificate for another name: check {keys.account}server_name"
        case ConnectionAborted():
            return "did not answer another call in time, so the connection was dropped"
        case txredisapi.RedisError():
            return _advice(_one_line(lost), keys)
        case _:
            return "closed the connection"


def _one_line(error: BaseException) -> str:
    """Return what an error says, without the arguments of a command that Redis may quote."""
    said = system_message(error).strip().partition(", with args")[0]
    return said.splitlines()[0][:200] if said else type(error).__name__
