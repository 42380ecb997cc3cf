"""Backends are made with a context, and those of before 0.1 as they were then."""

from __future__ import annotations

from typing import Any, cast

from pydantic import BaseModel
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.backends import find, make, new_context
from vncproxy.backends.construction import takes_three
from vncproxy.interfaces import CONTEXT_VERSION, BackendClass, BackendContext
from vncproxy.testing import FakeCalls

KINDS = ("libvirt", "opennebula", "static", "vmware", "xen")


class Table(BaseModel):
    host: str = "10.0.0.5"


class Today:
    Settings = Table

    def __init__(self, context: BackendContext, further: str = "") -> None:
        self.made_with: Any = context


class Old:
    Settings = Table

    def __init__(self, name: str, settings: Table, calls: Any) -> None:
        self.made_with: Any = (name, settings, calls)


class AnyArguments(Old):
    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)


class ConstructionTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor, self.calls, self.table = MemoryReactorClock(), FakeCalls(), Table()

    def context(self, kind: object) -> BackendContext:
        return new_context(kind, "toys", self.table, self.calls, self.reactor)

    def test_a_context_has_what_a_backend_may_use_and_its_version(self) -> None:
        context = self.context(Today)

        self.assertEqual((context.name, context.version), ("toys", CONTEXT_VERSION))
        self.assertIs(context.settings, self.table)
        self.assertIs(context.calls, self.calls)
        self.assertIs(context.clock, self.reactor)
        self.assertIs(context.resolver, self.reactor.nameResolver)
        self.assertEqual(context.log.namespace, f"{__name__}.Today")

    def test_a_class_of_today_is_made_with_it(self) -> None:
        context = self.context(Today)

        with capturedLogs() as events:
            self.assertIs(make(cast("BackendClass", Today), context).made_with, context)

        self.assertEqual(events, [])

    def test_a_class_of_before_is_made_with_three_arguments_and_a_warning(self) -> None:
        for kind in (Old, AnyArguments):
            with capturedLogs() as events:
                backend = make(cast("BackendClass", kind), self.context(kind))

            self.assertEqual(backend.made_with, ("toys", self.table, self.calls))
            (event,) = events
            self.assertEqual((event["log_level"].name, event["backend"]), ("warn", "toys"))
            self.assertIn(kind.__name__, event["kind"])

    def test_all_of_ours_take_a_context(self) -> None:
        self.assertEqual([kind for kind in KINDS if takes_three(find(kind))], [])
