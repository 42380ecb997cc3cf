"""Token store, token sources and backends: made from the settings, renewed, and closed again."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from ..backends import find
from ..blocking import BoundedCalls
from ..config.settings import BackendTable, Settings
from ..interfaces import IConsoleBackend, ITokenSource, ITokenStore
from ..tokens.external import kinds as source_types
from ..tokens.external.store import StoreWithSources
from ..tokens.external.target import Means
from ..tokens.memory import MemoryTokenStore

_log = Logger()

CLOSE_TIME = 5.0
"""Seconds that a backend, a token source or the token store may take to close."""


@dataclass(frozen=True, slots=True)
class Made:
    """A backend or token source, with what it was made from.

    Attributes:
        part: the backend or token source.
        calls: its threads, which are closed with it.
        files: SHA-256 of what the files held that its table names.
    """

    part: Any
    calls: BoundedCalls
    table: BackendTable
    files: bytes

    def fits(self, table: BackendTable, files: bytes) -> bool:
        """Whether a table and its files would make the same again."""
        return self.table == table and self.files == files

    async def close(self, clock: IReactorTime) -> None:
        """Let go of its connections, and of its threads; never fails."""
        await _close(self.part, clock)
        self.calls.close()


@dataclass(frozen=True, slots=True)
class Parts:
    """What is made from the settings and has to be closed again.

    Attributes:
        store: the token store, with the sources behind it.
        calls: the threads of all backends and sources, a part for each.
        sources: whose tokens the store knows beside its own, and which it closes.
        made: the backends and sources by name, as far as they were made from tables.
    """

    store: ITokenStore
    backends: Mapping[str, IConsoleBackend]
    calls: BoundedCalls
    sources: Mapping[str, ITokenSource] = field(default_factory=dict)
    made: Mapping[str, Made] = field(default_factory=dict)

    async def close(self, clock: IReactorTime) -> None:
        """Let go of everything outside the process, all at once, within `CLOSE_TIME`.

        A part that fails or hangs stops no other.
        """
        parts = (*self.backends.values(), self.store)
        await gatherResults([Deferred.fromCoroutine(_close(part, clock)) for part in parts])
        self.calls.close()


@dataclass(frozen=True, slots=True)
class Renewed:
    """Parts as new settings have them, and what became of the old ones.

    Attributes:
        fresh: what was made now.
        retired: what is in no table any more, or was made anew; to be closed when nothing that
            began before needs it.
        changes: in words, such as "backend kvm changed".
    """

    parts: Parts
    fresh: tuple[Made, ...]
    retired: tuple[Made, ...]
    changes: tuple[str, ...]


def make_parts(settings: Settings, reactor: Any) -> Parts:
    """Return the token store, its sources and the backends; they connect when they are first asked.

    Raises:
        ConfigurationError: a backend's SDK is missing, or a file cannot be used.
    """
    empty = Parts(_store(settings, reactor), {}, BoundedCalls(reactor, reactor))
    return renew(empty, settings, digests(settings), reactor).parts


def digests(settings: Settings) -> dict[str, bytes]:
    """Return a digest of the files that each table of a backend or source names, by its NAME.

    Files are named under keys that end in ``_file``. It blocks, as reading files does.
    """
    return {name: _content(table) for name, table in _tables(settings).items()}


def renew(parts: Parts, settings: Settings, files: Mapping[str, bytes], reactor: Any) -> Renewed:
    """Return the parts that new settings ask for; those that are the same are kept.

    The token store stays, whatever its settings say.

    Args:
        files: the `digests` of the settings.

    Raises:
        ConfigurationError: an SDK is missing, or a file cannot be used; nothing has changed.
    """
    store = parts.store.store if isinstance(parts.store, StoreWithSources) else parts.store
    fresh: list[Made] = []
    made: dict[str, Made] = {}
    try:
        for name, table in _tables(settings).items():
            known = parts.made.get(name)
            if known is None or not known.fits(table, files[name]):
                calls = parts.calls.part(_called(name, settings))
                part = _make(name, table, settings, Means(store, calls, time.time, reactor))
                known = Made(part, calls, table, files[name])
                fresh.append(known)
            made[name] = known
    except BaseException:
        close_all(fresh, reactor)
        raise
    sources = {name: made[name].part for name in settings.token_sources}
    renewed = replace(
        parts,
        store=StoreWithSources(store, sources) if sources else store,
        backends={name: made[name].part for name in settings.backends},
        sources=sources,
        made=made,
    )
    kept = set(map(id, made.values()))
    retired = tuple(old for old in parts.made.values() if id(old) not in kept)
    return Renewed(renewed, tuple(fresh), retired, tuple(_changes(parts.made, made)))


def close_all(parts: Iterable[Made], clock: IReactorTime) -> Deferred[list[None]]:
    """Close backends and sources, all at once; the Deferred never fails."""
    return gatherResults([Deferred.fromCoroutine(part.close(clock)) for part in parts])


def _make(name: str, table: BackendTable, settings: Settings, means: Means) -> Any:
    if name in settings.backends:
        return find(table.kind)(name, table.settings, means.calls)
    return source_types.find(table.kind)(name, table.settings, means)


def _tables(settings: Settings) -> dict[str, BackendTable]:
    return {**settings.backends, **settings.token_sources}


def _called(name: str, settings: Settings) -> str:
    return f"backend {name}" if name in settings.backends else f"token source {name}"


def _changes(old: Mapping[str, Made], new: Mapping[str, Made]) -> Iterator[str]:
    for name in sorted({*old, *new}):
        before, after = old.get(name), new.get(name)
        if before is not after:
            word = "added" if before is None else "removed" if after is None else "changed"
            yield f"[{name}] {word}"


def _content(table: BackendTable) -> bytes:
    digest = hashlib.sha256()
    # a warning would quote addresses, which may hold tickets
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


async def _close(part: Any, clock: IReactorTime) -> None:
    async def closed() -> None:
        await part.close()

    try:
        await Deferred.fromCoroutine(closed()).addTimeout(CLOSE_TIME, clock)
    except Exception:  # noqa: BLE001
        _log.failure("{part} did not close", part=type(part).__name__)


def _store(settings: Settings, reactor: Any) -> ITokenStore:
    resume = settings.tokens.resume
    if settings.tokens.store == "memory":
        return MemoryTokenStore(time.time, resume, reactor.seconds)
    # txredisapi imports the reactor, which is not to be chosen by importing this module
    from ..tokens.redis import RedisSettings, RedisTokenStore

    fields = settings.redis.model_dump(exclude={"password"})
    redis = RedisSettings(**fields, password=settings.redis.password.get_secret_value())
    return RedisTokenStore(reactor, redis, time.time, resume)
