"""Backends and token sources are kept, made anew or retired as their tables changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.config.nova import Keystone
from vncproxy.config.settings import BackendTable, Settings
from vncproxy.errors import ConfigurationError
from vncproxy.service import components
from vncproxy.service.components import (
    Components,
    Renewed,
    close_all,
    digests,
    make_components,
    renew,
)
from vncproxy.tokens.external import kinds as source_types
from vncproxy.tokens.external.context import SourceContext
from vncproxy.tokens.external.store import StoreWithSources


class ToySettings(BaseModel):
    model_config = ConfigDict(frozen=True)

    host: str = "a"
    password: SecretStr = SecretStr("")
    ca_file: str = ""
    tls: dict[str, Any] | None = None
    broken: bool = False


class Toy:
    """A backend that only counts."""

    Settings = ToySettings
    closed = 0

    def __init__(self, name: str, settings: ToySettings, _: Any) -> None:
        if settings.broken:
            raise ConfigurationError(f"{name} cannot be made")
        TOYS.append(self)
        self.name = name

    async def close(self) -> None:
        self.closed += 1


class ToySource(Toy):
    """A token source that only counts."""

    def __init__(self, context: SourceContext) -> None:
        super().__init__(context.name, context.settings, context.calls)


TOYS: list[Toy] = []


def settings(**tables: ToySettings) -> Settings:
    """Return settings with a backend for each; names that begin with "source" are token sources."""
    made = {name: BackendTable("toy", table) for name, table in tables.items()}
    sources = {name: table for name, table in made.items() if name.startswith("source")}
    backends = {name: table for name, table in made.items() if name not in sources}
    return Settings().model_copy(update={"backends": backends, "token_sources": sources})


class PartsTests(SynchronousTestCase):
    def setUp(self) -> None:
        TOYS.clear()
        self.reactor = MemoryReactorClock()
        self.patch(components, "find", lambda _: Toy)
        self.patch(source_types, "find", lambda _: ToySource)

    def made(self, **tables: ToySettings) -> Components:
        found = make_components(settings(**tables), self.reactor)
        self.addCleanup(found.calls.close)
        return found

    def renewed(self, before: Components, **tables: ToySettings) -> Renewed:
        new = settings(**tables)
        return renew(before, new, digests(new), self.reactor)

    def test_what_is_the_same_is_kept(self) -> None:
        before = self.made(kvm=ToySettings(), source=ToySettings())

        after = self.renewed(before, kvm=ToySettings(), source=ToySettings())

        self.assertEqual(after.changes, ())
        self.assertEqual(after.retired, ())
        self.assertIs(after.components.backends["kvm"], before.backends["kvm"])
        self.assertIs(after.components.sources["source"], before.sources["source"])

    def test_what_differs_is_made_anew_and_the_old_one_retired(self) -> None:
        before = self.made(kvm=ToySettings(), old=ToySettings(), source=ToySettings())

        after = self.renewed(
            before,
            kvm=ToySettings(password=SecretStr("new")),
            more=ToySettings(),
            source=ToySettings(host="b"),
        )

        self.assertEqual(
            after.changes, ("[kvm] changed", "[more] added", "[old] removed", "[source] changed")
        )
        self.assertEqual(
            {component.instance.name for component in after.retired}, {"kvm", "old", "source"}
        )
        self.assertEqual(sum(toy.closed for toy in TOYS), 0)
        self.successResultOf(close_all(after.retired, self.reactor))
        self.assertEqual([toy.name for toy in TOYS if toy.closed], ["kvm", "old", "source"])

    def test_a_file_with_another_content_is_a_change(self) -> None:
        file = Path(self.mktemp())
        for table in (ToySettings(ca_file=str(file)), ToySettings(tls={"key_file": str(file)})):
            file.write_text("one")
            before = self.made(kvm=table)
            self.assertEqual(self.renewed(before, kvm=table).changes, ())

            file.write_text("two")

            self.assertEqual(self.renewed(before, kvm=table).changes, ("[kvm] changed",))

    def test_keystone_comes_changes_and_goes(self) -> None:
        before = self.made()
        mine = settings().model_copy(update={"keystone": Keystone(cloud="mine")})
        other = settings().model_copy(update={"keystone": Keystone(cloud="mine", cache=5)})

        added = renew(before, mine, digests(mine), self.reactor)
        kept = renew(added.components, mine, digests(mine), self.reactor)
        changed = renew(added.components, other, digests(other), self.reactor)
        removed = self.renewed(changed.components)

        self.assertEqual(added.changes, ("[keystone] added",))
        self.assertIs(kept.components.keystone, added.components.keystone)
        self.assertEqual(changed.changes, ("[keystone] changed",))
        self.assertIsNot(changed.components.keystone, added.components.keystone)
        self.assertEqual(removed.changes, ("[keystone] removed",))
        self.assertIsNone(removed.components.keystone)
        self.assertEqual(list(added.components.backends), [])

    def test_the_store_stays_with_or_without_sources(self) -> None:
        before = self.made()
        self.assertNotIsInstance(before.store, StoreWithSources)

        with_source = self.renewed(before, source=ToySettings()).components
        without = self.renewed(with_source).components

        assert isinstance(with_source.store, StoreWithSources)
        self.assertIs(with_source.store.store, before.store)
        self.assertIs(without.store, before.store)

    def test_one_that_cannot_be_made_leaves_nothing_behind(self) -> None:
        before = self.made(kvm=ToySettings())

        with self.assertRaises(ConfigurationError):
            self.renewed(before, kvm=ToySettings(host="b"), more=ToySettings(broken=True))

        self.assertEqual([toy.closed for toy in TOYS], [0, 1])
