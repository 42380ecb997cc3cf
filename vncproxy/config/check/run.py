"""All checks of a configuration that could be read, with advice for what is wrong.

Redis and every backend are called at the same time, each with a time limit.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeVar

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.logger import Logger
from twisted.python.failure import Failure

from ...errors import VNCProxyError
from ...interfaces import (
    IConsoleBackend,
    IHasWarnings,
    IMayForget,
    IPointsElsewhere,
    ITokenSource,
    ITokenStore,
    NamesOtherBackends,
)
from ..settings import Settings
from .certificates import check_certificates
from .consoles import check_consoles
from .descriptors import check_descriptors
from .finding import Finding, failure, good, warning
from .sentinels import check_sentinels
from .sockets import check_endpoint
from .values import check_values

__all__ = ["Finding", "check", "render"]

T = TypeVar("T")

_log = Logger()

TIME_LIMIT: Final = 10.0
"""Seconds for one answer of the store, of a source or of a backend."""


async def check(
    settings: Settings,
    backends: Mapping[str, IConsoleBackend],
    store: ITokenStore,
    reactor: Any,
    now: Callable[[], float] = time.time,
    *,
    sources: Mapping[str, ITokenSource] = MappingProxyType({}),
    services: Mapping[str, Any] = MappingProxyType({}),
) -> list[Finding]:
    """Run all checks; returns the findings in the order of the configuration file.

    Nothing that is given is closed.

    Args:
        backends: by the NAME of their table.
        reactor: for time limits (``IReactorTime``) and for listening.
        now: wall-clock time in seconds since 1970.
        sources: token sources, by the NAME of their table.
        services: what else has a ``probe``, by its table.
    """
    zones = settings.zones
    endpoints = [*settings.listen.web, *settings.listen.xvp, *settings.listen.api]
    waiting = [Deferred.fromCoroutine(check_endpoint(each, reactor)) for each in endpoints]
    waiting.append(_ask(f"store {settings.tokens.store}", "redis", store.ping(), reactor))
    waiting.extend(
        _ask(f"token source {name}", f"token_sources.{name}", source.probe(), reactor)
        for name, source in sources.items()
    )
    waiting.extend(
        _ask(f"{_kind(name, settings)} {name}", _table(name, settings), backend.probe(), reactor)
        for name, backend in backends.items()
    )
    waiting.extend(_ask(name, name, service.probe(), reactor) for name, service in services.items())
    stores: dict[str, object] = {f"store {settings.tokens.store}": store}
    stores.update((f"token source {name}", source) for name, source in sources.items())
    asked = [
        Deferred.fromCoroutine(check_sentinels(what, each, reactor))
        for what, each in stores.items()
    ]
    logins = [_log_in(name, backend, reactor) for name, backend in backends.items()]
    answers = await gatherResults(waiting, consumeErrors=True)
    return [
        *check_values(settings),
        check_descriptors(settings),
        *(each for endpoint in endpoints for each in check_certificates(endpoint, now())),
        *answers,
        *(each for found in await gatherResults(asked) for each in found),
        *await _losses(f"store {settings.tokens.store}", store, reactor),
        *_warnings("", services),
        *_warnings("token source", sources),
        *_warnings("zone", {name: each for name, each in backends.items() if name in zones}),
        *_warnings("backend", {name: each for name, each in backends.items() if name not in zones}),
        *(each for found in await gatherResults(logins) for each in found),
        *_missing_targets(settings, backends),
        *_no_consoles({**backends, **sources}),
    ]


def render(findings: Iterable[Finding]) -> str:
    """Return one line for each: ``ok``, ``warn`` or ``FAIL``, what it is, and what to do."""
    return "\n".join(map(str, findings))


def _kind(name: str, settings: Settings) -> str:
    return "zone" if name in settings.zones else "backend"


def _table(name: str, settings: Settings) -> str:
    return f"{_kind(name, settings)}s.{name}"


def _ask(what: str, table: str, answer: Awaitable[str], clock: Any) -> Deferred[Finding]:
    waiting = Deferred.fromCoroutine(_await(answer)).addTimeout(TIME_LIMIT, clock)
    return waiting.addCallbacks(
        lambda text: good(what, text), lambda why: _no_answer(what, table, why)
    )


def _log_in(name: str, backend: object, reactor: Any) -> Deferred[list[Finding]]:
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


async def _losses(what: str, store: ITokenStore, clock: Any) -> list[Finding]:
    """Return how a store may lose tokens; nothing when it does not answer."""
    if not IMayForget.providedBy(store):
        return []
    answer = Deferred.fromCoroutine(_await(IMayForget(store).losses()))
    try:
        found = await answer.addTimeout(TIME_LIMIT, clock)
    except (VNCProxyError, DeferredTimeout):
        return []
    return [Finding(what, True, text, warning=True) for text in found]


def _warnings(what: str, components: Mapping[str, object]) -> list[Finding]:
    """Return the warnings of backends or token sources, after they were probed."""
    return [
        Finding(f"{what} {name}".strip(), True, text, warning=True)
        for name, component in components.items()
        if IHasWarnings.providedBy(component)
        for text in IHasWarnings(component).warnings()
    ]


def _missing_targets(settings: Settings, backends: Mapping[str, object]) -> list[Finding]:
    """Return the backends that point to a backend which is not configured."""
    named: dict[str, Sequence[str]] = {}
    for name, table in settings.backends.items():
        if isinstance(table.settings, NamesOtherBackends):
            named[name] = table.settings.other_backends()
    for name, backend in backends.items():
        if IPointsElsewhere.providedBy(backend):
            named[name] = IPointsElsewhere(backend).elsewhere()
    return [
        failure(f"backend {name}", f"leaves machines to {other!r}", f"write [backends.{other}]")
        for name, others in named.items()
        for other in others
        if other not in backends
    ]


def _no_consoles(origins: Mapping[str, object]) -> list[Finding]:
    if origins:
        return []
    return [
        warning("backends", "none, so there is no console to show", "write a [backends.NAME] table")
    ]
