"""The composition root: options of ``twistd vncproxy``, and how the parts are put together."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from OpenSSL import SSL
from prometheus_client import CollectorRegistry, ProcessCollector
from pydantic import ValidationError
from twisted.application.service import IService, MultiService
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.usage import Options as UsageOptions

from . import config
from .audit import AuditLog
from .backends import find
from .downstream.forwarded import Forwarding
from .downstream.occasional import OccasionalWarning
from .downstream.origin import Trust
from .downstream.site import Consoles, console_site
from .errors import ConfigurationError
from .interfaces import IConsoleBackend, IHasWarnings, ITokenSource, ITokenStore
from .metrics import Metrics
from .relay import fast, plain
from .resumption import listening
from .session import Services
from .sessions import Sessions
from .settings import Listen, Settings
from .threads import BoundedCalls
from .tokens import source_types
from .tokens.foreign import Means
from .tokens.memory import MemoryTokenStore
from .tokens.sources import StoreWithSources

CLOSE_TIME = 5.0
"""Seconds that a backend or the token store may take to close."""


class Options(UsageOptions):
    """The command line of ``twistd vncproxy``."""

    synopsis = "[options]"
    longdesc = (
        "Serves consoles of virtual machines to browsers and TCP viewers. All options are "
        "described in etc/vncproxy.toml; `vncproxy check-config` tells what is wrong with a file."
    )
    optParameters = [
        ["config", "c", None, "the configuration file; without one, all options have their default"]
    ]

    def __init__(self) -> None:
        super().__init__()
        self.listen: dict[str, list[str]] = {}

    def opt_web(self, endpoint: str) -> None:
        """Listen for browsers here (an endpoint string) instead of listen.web; repeatable."""
        self.listen.setdefault("web", []).append(endpoint)

    def opt_xvp(self, endpoint: str) -> None:
        """Listen for TCP viewers here instead of listen.xvp; repeatable."""
        self.listen.setdefault("xvp", []).append(endpoint)

    def opt_api(self, endpoint: str) -> None:
        """Listen for the HTTP API here instead of listen.api; repeatable."""
        self.listen.setdefault("api", []).append(endpoint)

    def settings(self) -> Settings:
        """Read the configuration and put the command line's listeners in.

        Raises:
            ConfigurationError: with all that is wrong.
        """
        path = self["config"]
        settings = load(Path(path)) if path else Settings()
        listeners = {name: tuple(endpoints) for name, endpoints in self.listen.items()}
        return settings.model_copy(update={"listen": _listen(settings, listeners)})

    def postOptions(self) -> None:
        """Check the configuration before the process goes to the background."""
        try:
            self.checked = self.settings()
        except ConfigurationError as e:
            raise SystemExit(_usage_error(e)) from e


def _listen(settings: Settings, overrides: dict[str, tuple[str, ...]]) -> Listen:
    try:
        return Listen.model_validate({**settings.listen.model_dump(), **overrides})
    except ValidationError as e:
        lines = [
            f"--{error['loc'][0]}: {error['msg'].removeprefix('Value error, ')}"
            for error in e.errors()
        ]
        raise ConfigurationError("\n".join(lines)) from e


def _usage_error(error: ConfigurationError) -> int:
    """Print what is wrong with the configuration; returns the exit status."""
    print(error.detail, file=sys.stderr)
    return 2


def makeService(options: Options) -> IService:
    """Return the whole proxy as a service."""
    from twisted.internet import reactor

    try:
        return make_service(options.checked, reactor)
    except ConfigurationError as e:
        raise SystemExit(_usage_error(e)) from e


def load(path: Path) -> Settings:
    """Read a configuration file with the types of backends and token sources that there are.

    Raises:
        ConfigurationError: with all that is wrong.
    """
    return config.load(path, backend_settings, source_settings)


def backend_settings(kind: str) -> Any:
    """Return the settings model of a type of backend."""
    return find(kind).Settings


def source_settings(kind: str) -> Any:
    """Return the settings model of a type of token source."""
    return source_types.find(kind).Settings


@dataclass(frozen=True, slots=True)
class Parts:
    """What is made from the settings and has to be closed again.

    Attributes:
        calls: the threads of all backends and sources, a part for each.
        sources: whose tokens the store knows beside its own, and which it closes.
    """

    log = Logger()

    store: ITokenStore
    backends: Mapping[str, IConsoleBackend]
    calls: BoundedCalls
    sources: Mapping[str, ITokenSource] = field(default_factory=dict)

    async def close(self, clock: IReactorTime) -> None:
        """Let go of everything outside the process; a part that fails or hangs stops no other."""
        for part in (*self.backends.values(), self.store):
            closing = Deferred.fromCoroutine(_closed(part))
            try:
                await closing.addTimeout(CLOSE_TIME, clock)
            except Exception:  # noqa: BLE001
                self.log.failure("{part} did not close", part=type(part).__name__)
        self.calls.close()


async def _closed(part: Any) -> None:
    await part.close()


def make_parts(settings: Settings, reactor: Any) -> Parts:
    """Return the token store, its sources and the backends; they connect when they are first asked.

    Raises:
        ConfigurationError: a backend's SDK is missing, or a file cannot be used.
    """
    calls = BoundedCalls(reactor, reactor)
    backends = {
        name: find(table.kind)(name, table.settings, calls.part(f"backend {name}"))
        for name, table in settings.backends.items()
    }
    store = _store(settings, reactor)

    def means(source: str) -> Means:
        return Means(store, calls.part(f"token source {source}"), time.time, reactor)

    sources = {
        name: source_types.find(table.kind)(name, table.settings, means(name))
        for name, table in settings.token_sources.items()
    }
    whole = StoreWithSources(store, sources) if sources else store
    return Parts(whole, backends, calls, sources)


def make_service(settings: Settings, reactor: Any, parts: Parts | None = None) -> Gateway:
    """Return the whole proxy as a service.

    Args:
        parts: token store and backends, when they are not to be made from the settings.

    Raises:
        ConfigurationError: a backend's SDK is missing, or a file cannot be used.
    """
    parts = parts or make_parts(settings, reactor)
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    audit = AuditLog(proxy_name(settings), time.time, _audit_file(settings))
    services = Services(
        store=parts.store,
        backends=parts.backends,
        observers=(audit, Metrics(registry)),
        limits=settings.limits,
        timeouts=settings.timeouts,
        time=time.time,
        reactor=reactor,
        join=partial(fast.join, reactor=reactor) if settings.relay.fast else plain.join,
    )
    sessions = Sessions(services)
    gateway = Gateway(sessions, parts)
    users = console_site(_consoles(settings, sessions), sessions)
    for endpoint in (*settings.listen.web, *settings.listen.xvp):
        gateway.addService(_listener(endpoint, users, reactor))
    api = _api(settings, sessions, parts, registry)
    for endpoint in settings.listen.api:
        gateway.addService(_listener(endpoint, api, reactor))
    return gateway


def _listener(endpoint: str, factory: Any, reactor: Any) -> IService:
    try:
        return listening(endpoint, factory, reactor)
    except (OSError, SSL.Error, ValueError, LookupError) as e:
        raise ConfigurationError(f"[listen] {endpoint}: {e or type(e).__name__}") from e


class Gateway(MultiService):
    """The listeners, and the order in which everything stops.

    Attributes:
        sessions: the live sessions.
        parts: token store and backends.
    """

    log = Logger()

    def __init__(self, sessions: Sessions, parts: Parts) -> None:
        super().__init__()
        self.sessions = sessions
        self.parts = parts

    def privilegedStartService(self) -> None:
        """Listen, as ``twistd`` begins; an address that cannot be had ends the process."""
        with _one_sentence():
            super().privilegedStartService()

    def startService(self) -> None:
        """Listen, as ``twist`` begins; an address that cannot be had ends the process."""
        with _one_sentence():
            super().startService()
        self._warn()

    def stopService(self) -> Deferred[None]:
        """Stop listening, end the sessions with a reason, then close everything else."""
        return Deferred.fromCoroutine(self._stop(super().stopService()))

    def _warn(self) -> None:
        if not self.parts.backends and not self.parts.sources:
            self.log.warn("no backend is configured, so there is no console to show")
        for what, parts in (
            ("token source", self.parts.sources),
            ("backend", self.parts.backends),
        ):
            for name, part in parts.items():
                if IHasWarnings.providedBy(part):
                    for text in IHasWarnings(part).warnings():
                        self.log.warn("{what} {name}: {text}", what=what, name=name, text=text)

    async def _stop(self, listeners: Deferred[Any]) -> None:
        await self.sessions.stop()
        await listeners
        await self.parts.close(self.sessions.services.reactor)


class CannotStart(SystemExit, Exception):
    """Ends the process with one sentence.

    An ``Exception``, too, because ``twistd`` tells the terminal that it left nothing else: its
    first process would wait for ever for the one in the background.
    """


@contextmanager
def _one_sentence() -> Iterator[None]:
    try:
        yield
    except CannotListenError as e:
        raise CannotStart(f"vncproxy: {e}") from e


def proxy_name(settings: Settings) -> str:
    """Return what this proxy is called in the audit log."""
    return settings.proxy.name or socket.gethostname()


def _store(settings: Settings, reactor: Any) -> ITokenStore:
    resume = settings.tokens.resume
    if settings.tokens.store == "memory":
        return MemoryTokenStore(time.time, resume)
    # txredisapi imports the reactor, which is not to be chosen by importing this module
    from .tokens.redis import RedisSettings, RedisTokenStore

    fields = settings.redis.model_dump(exclude={"password"})
    redis = RedisSettings(**fields, password=settings.redis.password.get_secret_value())
    return RedisTokenStore(reactor, redis, time.time, resume)


def _audit_file(settings: Settings) -> TextIO | None:
    path = settings.log.audit
    try:
        return Path(path).open("a", encoding="utf-8") if path else None
    except OSError as e:
        raise ConfigurationError(f"[log] audit: {path} cannot be written: {e.strerror}") from e


def _consoles(settings: Settings, sessions: Sessions) -> Consoles:
    # klein imports the reactor, which is not to be chosen by importing this module
    from .api.health import health_resource

    public, services = settings.public, sessions.services
    trust = Trust(
        origins=frozenset({public.origin, *public.allowed_origins}),
        forwarding=Forwarding(
            public.trusted_proxies,
            public.forwarded_header,
            OccasionalWarning(services.reactor.seconds),
        ),
        secure=public.base_url.startswith("https:"),
        cookie_path=public.prefix,
    )
    health = health_resource(store=services.store, sessions=sessions, clock=services.reactor)
    return Consoles(
        sessions,
        trust,
        public.prefix,
        settings.tokens.resume,
        {name.decode(): resource for name, resource in health.children.items()},
        public.allowed_origins,
    )


def _api(settings: Settings, sessions: Sessions, parts: Parts, registry: CollectorRegistry) -> Any:
    from .api.keys import ApiKey, Scope
    from .api.site import api_resource, api_site

    keys = [
        ApiKey(name, key.hash, frozenset(map(Scope, key.scopes)), frozenset(key.backends))
        for name, key in settings.api.keys.items()
    ]
    return api_site(
        api_resource(
            store=parts.store,
            sessions=sessions,
            backends=parts.backends,
            keys=keys,
            metrics_registry=registry,
            time=time.time,
            clock=sessions.services.reactor,
            ttl=settings.tokens.ttl,
            max_ttl=settings.tokens.max_ttl,
            base_url=settings.public.base_url,
            xvp_url=settings.public.xvp_url,
        )
    )
