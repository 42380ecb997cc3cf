"""What a session waits for while it opens: noted without a message, for pages that ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from .state import SessionState

START: Final = "start"
"""A session waits until the machine that it has started shows a console."""

_SCREEN: Final = "screen"


def noting(session: SessionState, seconds: Callable[[], float]) -> Callable[[str], None]:
    """Return what notes each step to a session's console as it begins.

    Args:
        seconds: the monotonic clock.
    """
    return partial(_note, session, seconds)


def _note(session: SessionState, seconds: Callable[[], float], what: str) -> None:
    """Note a step; the machine that starts is looked for again and again, and still starts."""
    if session.awaits is None or session.awaits[0] != START:
        session.awaits = what, seconds() - session.started


async def answer_waits(session: SessionState, message: Mapping[str, Any]) -> Mapping[str, Any]:
    """Say what a session waits for, and how many seconds after its beginning that wait began.

    ``for`` is the name of a step (`vncproxy.session.steps`), ``start``, ``screen`` where the
    console is open, or empty before all of them.
    """
    what, after = session.awaits or ("", 0.0)
    return {"for": _SCREEN if session.is_open else what, "after": round(after, 1)}
