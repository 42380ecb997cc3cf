"""What is wrong with Redis, in words that say what to do about it."""

from __future__ import annotations

import txredisapi
from OpenSSL.SSL import Error as TLSError
from service_identity import VerificationError
from twisted.internet import defer
from twisted.internet.error import ConnectError, ConnectingCancelledError, ConnectionAborted

from ..text import system_words

FOREIGN = (
    txredisapi.RedisError,
    defer.TimeoutError,
    ConnectError,
    ConnectingCancelledError,  # what a time limit makes of a host that swallows connections
    OSError,
)
"""What can go wrong between here and Redis."""

_ADVICE = (
    ("WRONGPASS", "refuses the log-in: check redis.username and redis.password"),
    ("NOAUTH", "asks for a log-in: set redis.password, and redis.username for an ACL user"),
    ("without any password", "has no password: leave redis.password empty"),
    ("no permissions", "denies a permission, docs/redis.md has an ACL that suffices"),
    ("user executing the script", "denies a permission, docs/redis.md has an ACL that suffices"),
    ("LOADING", "is still loading its data"),
    ("READONLY", "is a read-only replica: redis.host must name the primary"),
    ("MASTERDOWN", "is a replica that has lost its primary: redis.host must name the primary"),
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

_SERVES_OTHERS = ("READONLY", "LOADING", "MASTERDOWN", "NOREPLICAS", "NOAUTH")
"""Answers of a server that may not be the right one any more, though it was when it was dialled.

Behind the same name or address another one may be the primary by now; NOREPLICAS is what a primary
says that was cut off from the rest. What is not here is the right server in trouble, where dialling
again helps nobody: MISCONF, OOM, BUSY, missing permissions.
"""


def diagnose(error: BaseException, lost: BaseException | None) -> str:
    """Return what is wrong, to follow ``redis at <address>``.

    Args:
        error: one of ``FOREIGN``.
        lost: why the connection ended, where it did: only there do TLS errors show.
    """
    match error:
        case defer.TimeoutError() | ConnectingCancelledError():
            return "does not answer in time"
        case txredisapi.ConnectionError():
            return _why_lost(lost)
        case txredisapi.RedisError():
            return _advice(_one_line(error))
        case _:
            return f"cannot be reached: {_one_line(error)}"


def serves_others(error: BaseException) -> bool:
    """Tell whether a call failed because its connection leads to a server that is not in charge."""
    return isinstance(error, txredisapi.ResponseError) and any(
        sign in _one_line(error) for sign in _SERVES_OTHERS
    )


def _advice(said: str) -> str:
    for sign, advice in _ADVICE:
        if sign in said:
            return f"{advice} ({said})"
    return f"answers: {said}"


def _why_lost(lost: BaseException | None) -> str:
    match lost:
        case TLSError():
            return f"cannot be trusted: check redis.tls and redis.ca_file ({_one_line(lost)})"
        case VerificationError():
            return "has a certificate for another name: check redis.server_name"
        case ConnectionAborted():
            return "did not answer another call in time, so the connection was dropped"
        case txredisapi.RedisError():
            return _advice(_one_line(lost))
        case _:
            return "closed the connection"


def _one_line(error: BaseException) -> str:
    """Return what an error says, without the arguments of a command that Redis may quote."""
    said = system_words(error).strip().partition(", with args")[0]
    return said.splitlines()[0][:200] if said else type(error).__name__
