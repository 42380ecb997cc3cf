"""Questions to Redis, sources, backends and consoles, each with a time limit."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.logger import Logger
from twisted.python.failure import Failure

from ...errors import VNCProxyError
from ...interfaces import IMayForget, ITokenStore
from .consoles import check_consoles
from .finding import Finding, failure, good

T = TypeVar("T")

_log = Logger()

TIME_LIMIT: Final = 10.0
"""Seconds for one answer of the store, of a source or of a backend."""


def ask(what: str, table: str, answer: Awaitable[str], clock: Any) -> Deferred[Finding]:
    """Return what becomes of a probe.

    Args:
        what: what is asked, for the report.
        table: of the configuration.
    """
    waiting = Deferred.fromCoroutine(_await(answer)).addTimeout(TIME_LIMIT, clock)
    return waiting.addCallbacks(
        lambda text: good(what, text), lambda why: _no_answer(what, table, why)
    )


def log_in(name: str, backend: object, reactor: Any) -> Deferred[list[Finding]]:
    """Log in to the consoles that a backend knows; fires with a warning for each failure."""
    what = f"backend {name}"
    waiting = Deferred.fromCoroutine(check_consoles(backend, reactor))
    waiting.addTimeout(TIME_LIMIT, reactor)
    return waiting.addCallbacks(
        lambda lines: [Finding(what, True, line, warning=True) for line in lines],
        lambda why: [_no_answer(what, f"backends.{name}", why)],
    )


def _no_answer(what: str, table: str, why: Failure) -> Finding:
    if why.check(VNCProxyError):
        text = str(why.value).rstrip(".")
        # a message with a semicolon has its own advice
        return failure(what, text, "" if "; " in text else f"mend that, or correct [{table}]")
    if why.check(DeferredTimeout):
        return failure(what, f"no answer within {TIME_LIMIT:g} seconds", "look at its own log")
    _log.failure("{what} failed", failure=why, what=what)
    return failure(what, f"it fails with {type(why.value).__name__}", "report it to its author")


async def _await(answer: Awaitable[T]) -> T:
    return await answer


async def losses(what: str, store: ITokenStore, clock: Any) -> list[Finding]:
    """Return how a store may lose tokens; nothing when it does not answer."""
    if not IMayForget.providedBy(store):
        return []
    answer = Deferred.fromCoroutine(_await(IMayForget(store).losses()))
    try:
        found = await answer.addTimeout(TIME_LIMIT, clock)
    except (VNCProxyError, DeferredTimeout):
        return []
    return [Finding(what, True, text, warning=True) for text in found]
