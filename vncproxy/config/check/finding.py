"""One line of the report of ``vncproxy check-config``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    Attributes:
        what: the thing checked: ``store``, ``backend kvm``, ``listen tcp:6080``.
        ok: whether the proxy can work with it.
        text: what was found.
        advice: what to do about it; empty where there is nothing to do.
        warning: whether it works, and is likely to be wrong.
    """

    what: str
    ok: bool
    text: str
    advice: str = ""
    warning: bool = False

    def __str__(self) -> str:
        word = "FAIL" if not self.ok else "warn" if self.warning else "ok"
        advice = f"; {self.advice}" if self.advice else ""
        return f"{word:<4}  {self.what}: {self.text}{advice}"


def good(what: str, text: str) -> Finding:
    """Return a finding that needs no action."""
    return Finding(what, True, text)


def warning(what: str, text: str, advice: str) -> Finding:
    """Return a finding about something that works and is likely to be wrong."""
    return Finding(what, True, text, advice, warning=True)


def failure(what: str, text: str, advice: str = "") -> Finding:
    """Return a finding that keeps the proxy, or a part of it, from working."""
    return Finding(what, False, text, advice)
