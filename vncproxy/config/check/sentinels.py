"""What each sentinel says that a token store or source uses to find its Redis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout

from ...errors import VNCProxyError
from ...interfaces import IHasSentinels
from .finding import Finding, failure, good, warning

TIME_LIMIT: Final = 10.0
"""Seconds for the answers of all sentinels."""


async def check_sentinels(what: str, component: object, clock: Any) -> list[Finding]:
    """Return a line for each sentinel of a store or source; one without any has no line.

    What is wrong with a sentinel is a warning, as long as another one is in order.

    Args:
        what: the store or source.
    """
    if not IHasSentinels.providedBy(component):
        return []
    asking = Deferred.fromCoroutine(_ask(IHasSentinels(component)))
    try:
        reports = await asking.addTimeout(TIME_LIMIT, clock)
    except (VNCProxyError, DeferredTimeout):
        return []  # the store's own check fails, too
    usable = any(not advice for _, _, advice in reports)
    bad = warning if usable else failure
    return [
        bad(f"{what}, sentinel {sentinel}", text, advice)
        if advice
        else good(f"{what}, sentinel {sentinel}", text)
        for sentinel, text, advice in reports
    ]


async def _ask(component: IHasSentinels) -> Sequence[tuple[str, str, str]]:
    return await component.sentinels()
