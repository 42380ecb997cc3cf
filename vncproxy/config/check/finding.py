"""One line of a check."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What one thing that was looked at turned out to be.

    Attributes:
        what: its name: ``store``, ``backend kvm``, ``listen tcp:6080``.
        ok: whether the proxy can work with it.
        text: what was found.
        advice: what to do about it; empty where there is nothing to do.
        warning: whether it works and still deserves a look.
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
    """Return a finding that works and deserves a look."""
    return Finding(what, True, text, advice, warning=True)


def failure(what: str, text: str, advice: str = "") -> Finding:
    """Return a finding that keeps the proxy, or a part of it, from working."""
    return Finding(what, False, text, advice)
