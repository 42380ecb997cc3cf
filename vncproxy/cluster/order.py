"""An order to all processes, and its JSON in Redis, a public contract."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from .. import errors
from ..errors import EndedByAdministrator, MayTakeBack, SessionEnded, TakenOver
from ..model import Decision, Mode, SessionFilter, Verdict, VMAddress

VERSION = 1

LONGEST = 1_000_000
"""Bytes of an order; a longer one is not read."""


class Kind(Enum):
    """What is to be done."""

    END = "end"
    DRAIN = "drain"
    FIND = "find"
    CHANGE = "change"
    DECIDE = "decide"
    MESSAGE = "message"


class UnknownOrder(ValueError):
    """An order of another version, or of a kind that is not known."""


@dataclass(frozen=True, slots=True)
class Order:
    """Ends or changes sessions, drains proxies, finds machines, approves, or carries a message.

    Attributes:
        id: chosen by the giver.
        kind: what is to be done.
        wanted: which sessions are to end, or which machine is to be found; its ``proxy`` and
            `worker` also choose which processes obey.
        reason: the code of the error that ends them.
        by: the name of who gives it, for the audit log.
        giver: the id of the process that waits for answers; empty for none.
        worker: the id of the only process that is to obey; empty for all.
        mode: what the user of the one session that is to change may do from now on.
        decision: what an approver decides about the session.
        text: what the user of the one session is shown.
    """

    id: str
    kind: Kind
    wanted: SessionFilter = field(default_factory=SessionFilter)
    reason: str = EndedByAdministrator.code
    by: str = ""
    giver: str = ""
    worker: str = ""
    mode: Mode | None = None
    decision: Decision | None = None
    text: str = ""

    def error(self) -> SessionEnded:
        """Return why the sessions end; a reason that is not known counts as the administrator."""
        kind = _REASONS.get(self.reason, EndedByAdministrator)
        detail = f"by {self.by}" if self.by else ""
        if kind is TakenOver:
            user = _OF_USER.match(self.by)
            return TakenOver(detail, by=user[1] if user else "")
        return kind(detail)


_OF_USER = re.compile(r"session [0-9a-f]{16} of (.+)", re.DOTALL)


def _reasons() -> dict[str, type[SessionEnded]]:
    classes = [getattr(errors, name) for name in errors.__all__]
    kinds = [kind for kind in classes if issubclass(kind, SessionEnded)]
    return {kind.code: kind for kind in kinds if kind is not MayTakeBack}


_REASONS = _reasons()


def encode(order: Order) -> str:
    """Return an order as JSON."""
    wanted = order.wanted
    members = {
        "v": VERSION,
        "id": order.id,
        "kind": order.kind.value,
        "reason": order.reason,
        "by": order.by or None,
        "from": order.giver or None,
        "worker": order.worker or None,
        "proxy": wanted.proxy,
        "vm": None if wanted.vm is None else str(wanted.vm),
        "user": wanted.user,
        "sessions": _sorted(wanted.ids),
        "tokens": _sorted(wanted.tokens),
        "backends": _sorted(wanted.backends),
        "signer": wanted.signer,
        "mode": None if order.mode is None else order.mode.value,
        "text": order.text or None,
        **_members(order.decision),
    }
    return json.dumps({name: value for name, value in members.items() if value is not None})


def _members(decision: Decision | None) -> dict[str, str | None]:
    if decision is None:
        return {}
    return {
        "verdict": decision.verdict.value,
        "key": decision.key,
        "person": decision.person or None,
        "words": decision.reason or None,
    }


def _decision(members: dict[str, Any]) -> Decision:
    verdict, key = Verdict(members["verdict"]), _text(members, "key")
    if not key:
        raise ValueError("it names no key")
    return Decision(verdict, key, _text(members, "person") or "", _text(members, "words") or "")


def _sorted(values: frozenset[str] | None) -> list[str] | None:
    return None if values is None else sorted(values)


def decode(text: str | bytes) -> Order:
    """Return an order.

    A member that is not known makes it unknown: it may be a further criterion.

    Raises:
        UnknownOrder: it cannot be obeyed by this version; its ``args`` are the sentence, the id and
            the giver.
        ValueError: it is malformed.
    """
    if len(text) > LONGEST:
        raise ValueError(f"{len(text)} bytes")
    try:
        members = json.loads(text)
        return _decode(members)
    except (KeyError, TypeError, AttributeError, RecursionError) as e:
        raise ValueError(f"malformed: {type(e).__name__} {e}") from e


def _decode(members: dict[str, Any]) -> Order:
    id_, giver = _text(members, "id") or "", _text(members, "from") or ""
    kinds = {kind.value for kind in Kind}
    unknown = members.keys() - _MEMBERS
    if members["v"] != VERSION or members["kind"] not in kinds or unknown:
        what = f"version {members['v']!r}, kind {members['kind']!r}, members {sorted(unknown)}"
        raise UnknownOrder(what, id_, giver)
    given = {name for name, value in members.items() if value not in (None, "")}
    if members["kind"] == Kind.FIND.value and "vm" not in given:
        raise ValueError("it names no machine to be found")
    if members["kind"] == Kind.END.value and not given & _CRITERIA:
        raise ValueError("it names no criterion, and would end every session")
    vm, mode = _text(members, "vm"), _mode(members)
    return Order(
        id=id_,
        kind=Kind(members["kind"]),
        wanted=SessionFilter(
            vm=None if vm is None else VMAddress.parse(vm),
            user=_text(members, "user"),
            proxy=_text(members, "proxy"),
            ids=_texts(members, "sessions"),
            tokens=_texts(members, "tokens"),
            backends=_texts(members, "backends"),
            signer=_text(members, "signer"),
        ),
        reason=_text(members, "reason") or EndedByAdministrator.code,
        by=_text(members, "by") or "",
        giver=giver,
        worker=_text(members, "worker") or "",
        mode=mode,
        decision=_decision(members) if members["kind"] == Kind.DECIDE.value else None,
        text=_message(members),
    )


def _mode(members: dict[str, Any]) -> Mode | None:
    """Return the mode that an order to change one session has, and no other one."""
    mode, ids = _text(members, "mode"), members.get("sessions") or ()
    if members["kind"] != Kind.CHANGE.value:
        if mode is not None:
            raise ValueError("only an order to change a session has a mode")
        return None
    if mode is None or len(ids) != 1:
        raise ValueError("it names no mode, or not one session")
    return Mode(mode)


def _message(members: dict[str, Any]) -> str:
    """Return the text that an order to show one session a message has, and no other one."""
    text = _text(members, "text") or ""
    if members["kind"] != Kind.MESSAGE.value:
        if text:
            raise ValueError("only an order with a message has a text")
        return ""
    if not text or len(members.get("sessions") or ()) != 1:
        raise ValueError("it has no text, or names not one session")
    return text


_CRITERIA = frozenset({"worker", "proxy", "vm", "user", "sessions", "tokens", "backends", "signer"})

_OF_DECISION = {"verdict", "key", "person", "words"}

_MEMBERS = _CRITERIA | _OF_DECISION | {"v", "id", "kind", "reason", "by", "from", "mode", "text"}


def _text(members: dict[str, Any], name: str) -> str | None:
    value = members.get(name)
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{name} is {type(value).__name__} instead of text")
    return value


def _texts(members: dict[str, Any], name: str) -> frozenset[str] | None:
    values = members.get(name)
    if values is None:
        return None
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError(f"{name} is no list of texts")
    return frozenset(values)
