"""Asks a zone about itself: round trip, clocks, version and what the key may do there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...model import Mode, UnixTime
from ...text import printable


def describe(answer: Mapping[str, Any], sent: UnixTime, received: UnixTime, key_id: str) -> str:
    """Return one line about a zone that has answered.

    Args:
        answer: to a request of `Act.ABOUT`.
        sent, received: when, by the clock of this zone.
        key_id: of the key that the request was signed with.
    """
    ahead = float(answer.get("time", sent)) - (sent + received) / 2
    parts = (
        f"zone {_text(answer, 'zone')}, vncproxy {_text(answer, 'version')}",
        f"answered in {(received - sent) * 1000:.0f} ms",
        f"its clock is {abs(ahead):.1f} s {'ahead' if ahead >= 0 else 'behind'}",
        f"key {key_id} may open {_backends(answer)}",
        *_limits(answer),
    )
    return ", ".join(parts)


def _text(answer: Mapping[str, Any], name: str) -> str:
    return printable(str(answer.get(name, "?")), 64)


def _backends(answer: Mapping[str, Any]) -> str:
    names = answer.get("backends")
    if not isinstance(names, list) or not names:
        return "nothing"
    return " ".join(printable(str(name), 64) for name in names[:20])


def _limits(answer: Mapping[str, Any]) -> list[str]:
    told: list[tuple[str, Callable[[Any], str]]] = [
        ("hops", lambda n: f"at most {n} zones away"),
        ("max_duration", lambda n: f"for {n} s at most"),
        ("idle_timeout", lambda n: f"idle for {n} s at most"),
        ("key_until", lambda n: f"until {printable(str(n), 30)}"),
    ]
    if answer.get("mode") == Mode.VIEW_ONLY.value:
        told.append(("mode", lambda _: "to look at only"))
    return [words(answer[name]) for name, words in told if answer.get(name) is not None]
