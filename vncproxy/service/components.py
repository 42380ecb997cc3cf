"""Token store, token sources and backends: made from the settings, renewed, and closed."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from ..backends import find, make, new_context
from ..backends.zone import ZoneBackend
from ..blocking import BoundedCalls
from ..config.cloud import CloudSettings
from ..config.settings import BackendTable, Settings
from ..interfaces import BackendClass, IConsoleBackend, ITokenSource, ITokenStore, IZoneLinks
from ..openstack.keystone import Keystone
from ..tokens.external import kinds as source_types
from ..tokens.external.context import SourceContext
from ..tokens.external.store import StoreWithSources
from ..tokens.memory import MemoryTokenStore

if TYPE_CHECKING:
    from ..tokens.redis import RedisTokenStore

_log = Logger()

OnOperation = Callable[[str, float, bool], object]
"""As `vncproxy.redis.link` has it, whose import installs the reactor."""

KEYSTONE: Final = "[keystone]"
"""Keystone among the components; no backend and no source has such a name."""

CLOSE_TIME = 5.0
"""Seconds that a backend, a token source or the token store may take to close."""


@dataclass(frozen=True, slots=True)
class Component:
    """A backend or token source, with what it was made from.

    Attributes:
        instance: the backend or token source.
        calls: its threads, which are closed with it.
        files: SHA-256 of the content of the files that its table names.
    """

    instance: Any
    calls: BoundedCalls
    table: BackendTable
    files: bytes

    def fits(self, table: BackendTable, files: bytes) -> bool:
        """Return whether a table and its files would make an equal component."""
        return self.table == table and self.files == files

    async def close(self, clock: IReactorTime) -> None:
        """Close its connections and its threads; never fails."""
        await _close(self.instance, clock)
        self.calls.close()


@dataclass(frozen=True, slots=True)
class Components:
    """What is made from the settings and holds connections, threads or files.

    Attributes:
        store: the token store, which redeems tokens of the sources too.
        calls: the threads of all backends and sources, a part for each.
        sources: the token sources by name; the store closes them.
        configured: the backends and sources by name, as far as they were made from tables, and
            Keystone.
        links: connections to zones that dial this one.
    """

    store: ITokenStore
    backends: Mapping[str, IConsoleBackend]
    calls: BoundedCalls
    sources: Mapping[str, ITokenSource] = field(default_factory=dict)
    configured: Mapping[str, Component] = field(default_factory=dict)
    links: IZoneLinks | None = None

    @property
    def keystone(self) -> Keystone | None:
        """Keystone as it is configured, if it is."""
        known = self.configured.get(KEYSTONE)
        return None if known is None else cast("Keystone", known.instance)

    @property
    def services(self) -> Mapping[str, Keystone]:
        """What has a table of its own and is neither a backend nor a token source, by the table."""
        return {} if self.keystone is None else {"keystone": self.keystone}

    async def close(self, clock: IReactorTime) -> None:
        """Close all connections, files and threads, at the same time, within `CLOSE_TIME`.

        One that fails or hangs keeps no other from closing.
        """
        closing = [_close(each, clock) for each in (*self.backends.values(), self.store)]
        await gatherResults(map(Deferred.fromCoroutine, closing))
        self.calls.close()


@dataclass(frozen=True, slots=True)
class Renewed:
    """The components of new settings, and the difference to the ones before.

    Attributes:
        added: those that were made now.
        retired: those that are in no table any more, or were made again; to be closed when no
            session and no request uses them.
        changes: a sentence for each, such as ``[kvm] changed``.
    """

    components: Components
    added: tuple[Component, ...]
    retired: tuple[Component, ...]
    changes: tuple[str, ...]


def make_components(
    settings: Settings,
    reactor: Any,
    on_redis_operation: OnOperation = lambda name, seconds, failed: None,
    links: IZoneLinks | None = None,
) -> Components:
    """Return the token store, its sources and the backends; each connects on its first call.

    Args:
        on_redis_operation: is called at the end of each operation of the token store in Redis.
        links: connections to zones that dial this one.

    Raises:
        ConfigurationError: a backend's SDK is missing, or a file cannot be used.
    """
    empty = Components(
        _store(settings, reactor, on_redis_operation),
        {},
        BoundedCalls(reactor, reactor),
        links=links,
    )
    return renew(empty, settings, digests(settings), reactor).components


def digests(settings: Settings) -> dict[str, bytes]:
    """Return a digest of the files that each table of a backend or source names, by its NAME.

    Files are the values of keys that end in ``_file``. Blocks while the files are read.
    """
    return {name: _digest(table) for name, table in _tables(settings).items()}


def renew(
    components: Components, settings: Settings, files: Mapping[str, bytes], reactor: Any
) -> Renewed:
    """Return the components of new settings; a component whose table and files are equal is kept.

    The token store is always kept.

    Args:
        files: the `digests` of the settings.

    Raises:
        ConfigurationError: an SDK is missing, or a file cannot be used; nothing has been replaced.
    """
    store = own_store(components.store)
    added: list[Component] = []
    configured: dict[str, Component] = {}
    try:
        for name, table in _tables(settings).items():
            known = components.configured.get(name)
            if known is None or not known.fits(table, files[name]):
                calls = components.calls.part(_label(name, settings))
                context = _context(name, table, store, calls, reactor)
                instance = _make(context, table, settings, components.links)
                known = Component(instance, calls, table, files[name])
                added.append(known)
            configured[name] = known
    except BaseException:
        close_all(added, reactor)
        raise
    sources = {name: configured[name].instance for name in settings.token_sources}
    backends = {name: configured[name].instance for name in _with_machines(settings)}
    renewed = replace(
        components,
        store=StoreWithSources(store, sources, backends) if sources else store,
        backends=backends,
        sources=sources,
        configured=configured,
    )
    kept = set(map(id, configured.values()))
    before = components.configured
    retired = tuple(old for old in before.values() if id(old) not in kept)
    return Renewed(renewed, tuple(added), retired, tuple(_changes(before, configured)))


def close_all(components: Iterable[Component], clock: IReactorTime) -> Deferred[list[None]]:
    """Close backends and sources, at the same time; the Deferred never fails."""
    return gatherResults([Deferred.fromCoroutine(each.close(clock)) for each in components])


def own_store(store: ITokenStore) -> ITokenStore:
    """Return a store without the sources of other issuers."""
    return store.store if isinstance(store, StoreWithSources) else store


def redis_store(settings: Settings, components: Components) -> RedisTokenStore | None:
    """Return the store of tokens in Redis; None where they are kept in memory, or elsewhere."""
    if settings.tokens.store != "redis":
        return None
    # txredisapi installs the reactor on import, and importing this module must not
    from ..tokens.redis import RedisTokenStore

    store = own_store(components.store)
    return store if isinstance(store, RedisTokenStore) else None


def _context(
    name: str, table: BackendTable, store: ITokenStore, calls: BoundedCalls, reactor: Any
) -> SourceContext:
    return SourceContext(
        name=name,
        settings=table.settings,
        store=store,
        calls=calls,
        time=time.time,
        reactor=reactor,
    )


def _make(
    context: SourceContext, table: BackendTable, settings: Settings, links: IZoneLinks | None
) -> Any:
    name, zones = context.name, settings.zones
    if name == KEYSTONE:
        return Keystone(cast("CloudSettings", table.settings), context.calls)
    if name not in settings.backends and name not in zones:
        return source_types.find(table.kind)(context)
    kind = cast("BackendClass", ZoneBackend) if name in zones else find(table.kind)
    calls, reactor, zone = context.calls, context.reactor, settings.proxy.zone
    return make(kind, new_context(kind, name, table.settings, calls, reactor, zone, links))


def _tables(settings: Settings) -> dict[str, BackendTable]:
    tables = {**settings.backends, **settings.zones, **settings.token_sources}
    if settings.keystone is not None:
        tables[KEYSTONE] = BackendTable("keystone", settings.keystone)
    return tables


def _with_machines(settings: Settings) -> Iterable[str]:
    return [*settings.backends, *settings.zones]


def _label(name: str, settings: Settings) -> str:
    if name == KEYSTONE:
        return "keystone"
    if name in settings.zones:
        return f"zone {name}"
    return f"backend {name}" if name in settings.backends else f"token source {name}"


def _changes(old: Mapping[str, Component], new: Mapping[str, Component]) -> Iterator[str]:
    for name in sorted({*old, *new}):
        before, after = old.get(name), new.get(name)
        if before is not after:
            word = "added" if before is None else "removed" if after is None else "changed"
            yield f"[{name.strip('[]')}] {word}"


def _digest(table: BackendTable) -> bytes:
    digest = hashlib.sha256()
    # warnings would quote addresses, which may hold tickets
    for path in _files(table.settings.model_dump(warnings=False)):
        try:
            digest.update(hashlib.sha256(Path(path).read_bytes()).digest())
        except OSError as e:
            digest.update(type(e).__name__.encode())
    return digest.digest()


def _files(value: Any, key: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _files(inner, str(name))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _files(inner, key)
    elif key.endswith("_file") and isinstance(value, str | Path) and str(value):
        yield str(value)


async def _close(instance: Any, clock: IReactorTime) -> None:
    async def closed() -> None:
        await instance.close()

    try:
        await Deferred.fromCoroutine(closed()).addTimeout(CLOSE_TIME, clock)
    except Exception:  # noqa: BLE001
        _log.failure("{component} did not close", component=type(instance).__name__)


def _store(settings: Settings, reactor: Any, on_operation: OnOperation) -> ITokenStore:
    resume = settings.tokens.resume
    if settings.tokens.store == "memory":
        return MemoryTokenStore(time.time, resume, reactor.seconds)
    # txredisapi installs the reactor on import, and importing this module must not
    from ..tokens.redis import RedisTokenStore

    return RedisTokenStore(reactor, settings.redis, time.time, resume, on_operation)
