"""An event of Twisted's log as a line of text or of JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

from twisted.logger import LogEvent, LogLevel, formatEvent

Format = Literal["text", "json"]

MEMBERS = ("worker", "session", "request", "client", "backend", "method", "path", "status")
"""The fields of events that are members of their own in JSON, where an event has them."""

AUDIT = "audit"
"""The field that holds an audit line, which is JSON itself."""


def text_line(event: LogEvent) -> str:
    """Return an event as Twisted writes it: ``TIME [PLACE#LEVEL] MESSAGE``.

    Further lines of a message or a traceback begin with a tab. Empty where there is no message.
    """
    text = _whole_text(event)
    if not text:
        return ""
    return f"{_local_time(int(event.get('log_time', 0)))} [{_place(event)}] {text}\n"


def journal_lines(event: LogEvent) -> str:
    """Return an event for the journal: without a time, each line with its priority (sd-daemon)."""
    text = _whole_text(event)
    if not text:
        return ""
    priority = f"<{_PRIORITIES.get(_level(event).name, 6)}>"
    return priority + f"[{_place(event)}] {text}\n".replace("\n\t", f"\n{priority}\t")


def json_line(event: LogEvent) -> str:
    """Return an event as one JSON object; empty where there is no message.

    ``time`` (RFC 3339, UTC), ``level``, ``logger`` and ``message`` are always there, ``traceback``
    and `MEMBERS` where the event has them. An audit line is an object in ``audit``.
    """
    message, failure = message_of(event), event.get("log_failure")
    trace = event.get("traceback") or (failure.getTraceback() if failure is not None else "")
    if not (message or trace):
        return ""
    line: dict[str, Any] = {
        "time": _utc(event.get("log_time", 0.0)),
        "level": _level(event).name,
        "logger": event.get("log_namespace") or event.get("system") or "-",
        "message": message.removesuffix(str(trace)).rstrip("\n") if trace else message,
    }
    line |= {name: _plain(event[name]) for name in MEMBERS if name in event}
    if trace:
        line["traceback"] = str(trace)
    if AUDIT in event:
        line |= {"message": AUDIT, AUDIT: _parsed(event[AUDIT])}
    return json.dumps(line) + "\n"


def message_of(event: LogEvent) -> str:
    """Return the message of an event, as `formatEvent` does, but most of them faster."""
    text = event.get("log_format")
    if text is None or "log_flattened" in event or "()" in text or "log_legacy" in event:
        return formatEvent(event)
    try:
        return str(text).format_map(event)
    except Exception:  # noqa: BLE001 Twisted says what is wrong with it
        return formatEvent(event)


LINES: dict[Format, Callable[[LogEvent], str]] = {"text": text_line, "json": json_line}

_PRIORITIES = {"debug": 7, "info": 6, "warn": 4, "error": 3, "critical": 2}


def _whole_text(event: LogEvent) -> str:
    text = message_of(event)
    if "log_failure" in event:
        text = f"{text}\n{_traceback(event['log_failure'])}"
    return text.replace("\n", "\n\t") if "\n" in text else text


def _traceback(failure: Any) -> str:
    try:
        return str(failure.getTraceback())
    except Exception as e:  # noqa: BLE001 it calls the repr of anything
        return f"(no traceback: {type(e).__name__})"


def _place(event: LogEvent) -> str:
    system = event.get("log_system")
    if system is None:
        return f"{event.get('log_namespace', '-')}#{_level(event).name}"
    return str(system)


def _level(event: LogEvent) -> Any:
    return event.get("log_level") or LogLevel.info


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | None) else str(value)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


@lru_cache(4)
def _local_time(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(second))


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
