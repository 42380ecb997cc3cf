"""The JSON of a session in Redis, a public contract."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..model import Announcement, ConsoleType, SessionInfo, VMAddress

VERSION = 1

Members = Mapping[str, Any]


def encode(session: SessionInfo, redis_time: int | None) -> str:
    """Return a session as JSON.

    Args:
        redis_time: milliseconds of Redis's clock at which it has lasted as long as it says.
    """
    members = {
        "v": VERSION,
        "id": session.id,
        "type": session.type.value,
        "client": session.client,
        "started_at": session.started_at,
        "seconds": round(session.seconds, 3),
        "at": redis_time,
        "token": session.token_id,
        "vm": str(session.vm) if session.vm else "",
        "user": session.user,
        "host": session.host,
        "bytes_down": session.bytes_down,
        "bytes_up": session.bytes_up,
    }
    return json.dumps({name: value for name, value in members.items() if value not in ("", None)})


def parse(text: str | bytes) -> Members:
    """Return the members of a session.

    Raises:
        ValueError: it is malformed, or of a version that is not known.
    """
    try:
        members = json.loads(text)
    except RecursionError as e:
        raise ValueError("malformed: nested too deep") from e
    if not isinstance(members, dict) or members.get("v") != VERSION:
        raise ValueError("malformed, or of another version")
    return members


def read(members: Members, worker: Announcement, redis_time: int) -> SessionInfo:
    """Return a session of a process.

    Args:
        redis_time: the time of Redis's clock, in milliseconds.

    Raises:
        ValueError: it is malformed.
    """
    try:
        at = members.get("at", redis_time)
        vm = members.get("vm")
        return SessionInfo(
            id=_text(members["id"]),
            type=ConsoleType(members["type"]),
            client=_text(members["client"]),
            started_at=float(members["started_at"]),
            token_id=_text(members.get("token", "")),
            vm=VMAddress.parse(vm) if vm else None,
            user=_text(members.get("user", "")),
            seconds=float(members.get("seconds", 0)) + max(0, redis_time - at) / 1000,
            bytes_down=int(members.get("bytes_down", 0)),
            bytes_up=int(members.get("bytes_up", 0)),
            host=_text(members.get("host", "")),
            proxy=worker.identity.name,
            zone=worker.identity.zone,
            proxy_id=worker.identity.proxy_id,
        )
    except (KeyError, TypeError, AttributeError, OverflowError) as e:
        raise ValueError(f"malformed: {type(e).__name__} {e}") from e


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} instead of text")
    return value
