"""What the audit says of a recording, beside what the recording says of itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .failures import Refused

if TYPE_CHECKING:
    from ..recording.writing import About

_OPENED = "open"
_ENDED = ("recording", "recording-stopped")
_COMPARED = ("vm", "user", "client", "type", "proxy")


def compare_audit(about: About, hash_: str, files: Sequence[Path]) -> str:
    """Return a sentence about what the audit has of a recording.

    Args:
        hash_: of the recording, in hexadecimal digits.
        files: of the audit, or the log that has it, with a JSON object at the end of each line.

    Raises:
        Refused: the audit has nothing of it, or says something else.
    """
    lines = [line for file in files for line in _lines_of(file, about.session)]
    if not lines:
        raise Refused(f"the audit has no line of the session {about.session}")
    for line in lines:
        _compare(about, line)
    _compare_hash(hash_, lines)
    opened = next((line["time"] for line in lines if line["event"] == _OPENED), "before")
    user = about.user or "no user"
    return f"the audit says the same: {user} at {about.vm} from {about.client}, opened {opened}"


def _lines_of(file: Path, session: str) -> Iterator[Mapping[str, Any]]:
    """Yield the lines of a session's opening and of its recording."""
    with file.open("rb") as opened:
        for data in opened:
            if session.encode() not in data:
                continue
            try:
                line = json.loads(data[data.find(b"{") :])
            except (ValueError, RecursionError):
                continue  # a line that was cut off
            if _is_of(line, session):
                yield line


def _is_of(line: object, session: str) -> bool:
    if not isinstance(line, dict) or line.get("session") != session:
        return False
    return line.get("event") in (_OPENED, *_ENDED) and isinstance(line.get("time"), str)


def _compare(about: About, line: Mapping[str, Any]) -> None:
    for name in _COMPARED:
        if name in line and (line[name] or "") != getattr(about, name):
            text = f"{name} {line[name]!r}, and the recording {getattr(about, name)!r}"
            raise Refused(f"the audit has {text}")


def _compare_hash(hash_: str, lines: Sequence[Mapping[str, Any]]) -> None:
    known = [line["hash"] for line in lines if "hash" in line]
    if not known:
        raise Refused("the audit has no hash of it: whether somebody wrote it anew is not known")
    if hash_ not in known:
        raise Refused("the audit has another hash of it: somebody wrote it anew")
