"""What is wrong with Redis, in words that say what to do about it."""

from __future__ import annotations

import txredisapi
from OpenSSL.SSL import Error as TLSError
from service_identity import VerificationError
from twisted.internet import defer
from twisted.internet.error import ConnectError, ConnectingCancelledError, ConnectionAborted

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
    ("DB index is out of range", "has no such database: check redis.db"),
)


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
        case _:
            return "closed the connection"


def _one_line(error: BaseException) -> str:
    """Return what an error says, without the arguments of a command that Redis may quote."""
    said = str(error).strip().partition(", with args")[0]
    return said.splitlines()[0][:200] if said else type(error).__name__
