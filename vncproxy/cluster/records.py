"""The JSON of a session in Redis, a public contract."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ..model import (
    DEFAULT_POLICY,
    Announcement,
    Approval,
    Border,
    ConsoleType,
    JoinKind,
    Joins,
    Mode,
    Policy,
    SessionFilter,
    SessionInfo,
    SessionPhase,
    VMAddress,
)

VERSION = 1

_BORDER = fields(Border)

_POLICY = TypeAdapter(Policy)

_KNOWN = frozenset(each.name for each in fields(Policy))

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
        "mode": session.mode.value,
        **(session.border.members() if session.border else {}),
        **_restrictions(session.policy),
        **({} if session.joins is None else {"joins": session.joins.members()}),
        **_progress(session),
        **({"held": True} if session.held else {}),
        **({"types": True} if session.types else {}),
    }
    return json.dumps({name: value for name, value in members.items() if value not in ("", None)})


def _progress(session: SessionInfo) -> dict[str, Any]:
    """Return the members that a session has which is not open, or needs approval."""
    members: dict[str, Any] = {}
    if session.state is not SessionPhase.OPEN:
        members["state"] = session.state.value
    if session.approval is not None:
        members["approval"] = session.approval.needed
        members["approved_by"] = list(session.approval.by)
    return members


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


def texts_of(wanted: SessionFilter) -> list[bytes]:
    """Return texts that stand in the JSON of every session that meets criteria.

    They are looked for before the JSON is parsed, which takes longer.
    """
    vm = str(wanted.vm) if wanted.vm is not None else None
    texts = [vm, wanted.user, wanted.from_zone, wanted.to_zone, wanted.client]
    if wanted.state is SessionPhase.WAITING:
        texts.append(wanted.state.value)
    if wanted.tokens is not None and len(wanted.tokens) == 1:
        texts += wanted.tokens
    return [json.dumps(text).encode() for text in texts if text]


def cursor(text: bytes) -> str:
    """Return where a session stands among all, as `vncproxy.model.session.cursor_of` has it.

    It is found without parsing the JSON; empty where that is malformed.
    """
    started_at, id_ = _STARTED_AT.search(text), _ID.search(text)
    if started_at is None or id_ is None:
        return ""
    return f"{int(float(started_at[1]) * 1e6):017}-{id_[1].decode()}"


_ID = re.compile(rb'"id": ?"([\w.-]{1,64})"')
_STARTED_AT = re.compile(rb'"started_at": ?([0-9]{1,12}(?:\.[0-9]{1,9})?)\b')


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
            border=_border(members),
            mode=Mode(members.get("mode", Mode.CONTROL.value)),
            held=members.get("held") is True,
            types=members.get("types") is True,
            policy=_policy(members.get("policy", {})),
            joins=_joins(members.get("joins")),
            state=SessionPhase(members.get("state", SessionPhase.OPEN.value)),
            approval=_approval(members),
        )
    except (KeyError, TypeError, AttributeError, OverflowError) as e:
        raise ValueError(f"malformed: {type(e).__name__} {e}") from e


def _approval(members: Members) -> Approval | None:
    if "approval" not in members:
        return None
    by = tuple(_text(name) for name in members.get("approved_by", ()))
    return Approval(int(members["approval"]), by)


def _border(members: Members) -> Border | None:
    known = {each.name: _text(members[each.name]) for each in _BORDER if each.name in members}
    return Border(**known) if known else None


def _restrictions(policy: Policy) -> dict[str, object]:
    """Return the member that says where a policy is not the default one; few sessions have it."""
    if policy == DEFAULT_POLICY:
        return {}
    return {"policy": _POLICY.dump_python(policy, mode="json", exclude_defaults=True)}


def _policy(members: Mapping[str, object]) -> Policy:
    """Return a policy; one with restrictions of a later version admits no guests."""
    try:
        policy = _POLICY.validate_python(members)
    except ValidationError as e:
        raise TypeError("policy") from e
    return policy if members.keys() <= _KNOWN else replace(policy, may_invite=None)


def _joins(members: Mapping[str, Any] | None) -> Joins | None:
    if members is None:
        return None
    kind, announced = JoinKind(members["kind"]), members["announced"] is True
    return Joins(_text(members["session"]), kind, _text(members["by"]), announced)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} instead of text")
    return value
