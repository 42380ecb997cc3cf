"""All checks of a configuration that could be read, with advice for what is wrong.

Redis and every backend are called at the same time, each with a time limit.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from ...interfaces import (
    IConsoleBackend,
    IHasWarnings,
    IPointsElsewhere,
    ITokenSource,
    ITokenStore,
    NamesOtherBackends,
)
from ..settings import Settings
from .asking import ask, log_in, losses
from .certificates import check_certificates
from .descriptors import check_descriptors
from .finding import Finding, failure, warning
from .recordings import check_recordings
from .sentinels import check_sentinels
from .sockets import check_endpoint
from .values import check_values

__all__ = ["Finding", "check", "render"]


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
    asked = _Asked(settings, backends, store, sources, services, reactor)
    answers, sentinels, logins = asked.probes(), asked.sentinels(), asked.logins()
    return [
        *check_values(settings),
        *check_recordings(settings),
        check_descriptors(settings),
        *(each for endpoint in asked.certificates for each in check_certificates(endpoint, now())),
        *await answers,
        *_flat(await sentinels),
        *await losses(f"store {settings.tokens.store}", store, reactor),
        *asked.warnings(),
        *_flat(await logins),
        *_missing_targets(settings, backends),
        *_no_consoles({**backends, **sources}),
    ]


class _Asked:
    """What is asked, all at the same time."""

    def __init__(
        self,
        settings: Settings,
        backends: Mapping[str, IConsoleBackend],
        store: ITokenStore,
        sources: Mapping[str, ITokenSource],
        services: Mapping[str, Any],
        reactor: Any,
    ) -> None:
        listen = settings.listen
        self.endpoints = listen.all_endpoints
        # those of rfb name none themselves
        named = [listen.certificate] if listen.rfb and listen.rfb_certificate else []
        self.certificates = [*listen.all_endpoints, *named]
        self._zones = settings.zones
        self._backends = backends
        self._sources = sources
        self._services = services
        self._store = {f"store {settings.tokens.store}": store}
        self._reactor = reactor

    def probes(self) -> Deferred[list[Finding]]:
        """Try all listeners, and ask everything that has a probe."""
        tried = [
            Deferred.fromCoroutine(check_endpoint(each, self._reactor)) for each in self.endpoints
        ]
        asked = [ask(what, table, each, self._reactor) for what, table, each in self._questions()]
        return gatherResults([*tried, *asked], consumeErrors=True)

    def _questions(self) -> Iterator[tuple[str, str, Awaitable[str]]]:
        """Yield what is asked, the table that it has in the configuration, and the answer."""
        for what, store in self._store.items():
            yield what, "redis", store.ping()
        for name, source in self._sources.items():
            yield f"token source {name}", f"token_sources.{name}", source.probe()
        for name, backend in self._backends.items():
            kind = "zone" if name in self._zones else "backend"
            yield f"{kind} {name}", f"{kind}s.{name}", backend.probe()
        for name, service in self._services.items():
            yield name, name, service.probe()

    def sentinels(self) -> Deferred[list[Sequence[Finding]]]:
        """Ask the sentinels that stores follow."""
        stores: dict[str, object] = {**self._store}
        stores |= {f"token source {name}": source for name, source in self._sources.items()}
        return gatherResults(
            Deferred.fromCoroutine(check_sentinels(what, each, self._reactor))
            for what, each in stores.items()
        )

    def logins(self) -> Deferred[list[list[Finding]]]:
        """Log in to the consoles that backends know."""
        return gatherResults(
            log_in(name, backend, self._reactor) for name, backend in self._backends.items()
        )

    def warnings(self) -> list[Finding]:
        """Return what each part warns of, after it was asked."""
        zones = {name: each for name, each in self._backends.items() if name in self._zones}
        others = {name: each for name, each in self._backends.items() if name not in self._zones}
        return [
            *_warnings("", self._services),
            *_warnings("token source", self._sources),
            *_warnings("zone", zones),
            *_warnings("backend", others),
        ]


def _flat(found: Iterable[Iterable[Finding]]) -> Iterable[Finding]:
    return chain.from_iterable(found)


def render(findings: Iterable[Finding]) -> str:
    """Return one line for each: ``ok``, ``warn`` or ``FAIL``, what it is, and what to do."""
    return "\n".join(map(str, findings))


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
        failure(
            f"backend {name}",
            f"leaves machines to {other!r}",
            f"write [backends.{other}], or [zones.{other}]",
        )
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
