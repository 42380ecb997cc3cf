"""Recordings are deleted by rules: not while watched or written, nor by a clock that jumps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.recorded_files import BEGAN, keep, name_of, recording
from vncproxy.archive.folder import FolderLibrary
from vncproxy.archive.keeping import Rule
from vncproxy.archive.library import CannotRead, Entry
from vncproxy.archive.pruning import GRACE, Pruner
from vncproxy.errors import StoreUnavailable
from vncproxy.recording.being_written import mark_as_written

DAY = 86400.0
OLD = Rule(age=90 * DAY)
SMALL = Rule(size=1)


class Here(FolderLibrary):
    """A directory that may refuse to delete."""

    refusal = ""

    def delete(self, entry: Entry) -> None:
        if self.refusal:
            raise CannotRead(self.refusal)
        super().delete(entry)


def at_once(function: Callable[[], Any]) -> Awaitable[Any]:
    return succeed(function())


class PruningTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()
        self.library = Here(self.folder)
        self.clock = Clock()
        self.wall = BEGAN + 10 * DAY
        self.links: set[str] = set()
        self.lines: list[tuple[str, Mapping[str, object]]] = []
        self.pruner = self.make_pruner()

    def make_pruner(self) -> Pruner:
        note = lambda event, line: self.lines.append((event, line))  # noqa: E731
        now = lambda: self.wall + self.clock.seconds()  # noqa: E731
        return Pruner(self.library, at_once, self.linked, note, now, self.clock.seconds)

    async def linked(self, sessions: Sequence[str]) -> frozenset[str]:
        return frozenset(sessions) & self.links

    def prune(self, *rules: Rule, hours: float = 0) -> list[str]:
        """Look every ten minutes for some hours; returns the sessions that are left."""
        for _ in range(int(hours * 6)):
            self.successResultOf(Deferred.fromCoroutine(self.pruner.prune(rules)))
            self.clock.advance(600)
        self.successResultOf(Deferred.fromCoroutine(self.pruner.prune(rules)))
        return [each.session for each in self.library.entries()]

    def test_an_old_one_is_deleted_after_an_hour_and_audited(self) -> None:
        keep(self.folder)
        keep(self.folder, "7f3b", BEGAN + 8 * DAY)
        self.wall = BEGAN + 91 * DAY
        self.assertEqual(self.prune(OLD, hours=GRACE / 3600 - 0.2), ["7f3b", "7f3a"])
        self.assertEqual(self.prune(OLD, hours=0.4), ["7f3b"])

        line = {
            "session": "7f3a",
            "vm": "kvm/web-01",
            "user": "alice",
            "file": name_of("7f3a"),
            "bytes": len(recording()),
            "why": "age",
            "rule": 1,
        }
        self.assertEqual(self.lines, [("recording-pruned", line)])
        self.assertEqual(self.pruner.pruned, {"age": 1, "size": 0})

    def test_one_beyond_the_size_goes_at_once(self) -> None:
        keep(self.folder)
        self.assertEqual(self.prune(SMALL), [])
        self.assertEqual(self.lines[0][1]["why"], "size")

    def test_a_clock_that_jumps_for_half_an_hour_deletes_nothing(self) -> None:
        keep(self.folder)
        self.assertEqual(self.prune(OLD, hours=1), ["7f3a"])
        self.wall += 365 * DAY
        self.assertEqual(self.prune(OLD, hours=0.5), ["7f3a"])
        self.wall -= 365 * DAY
        self.assertEqual(self.prune(OLD, hours=5), ["7f3a"])
        self.flushLoggedErrors()

    def test_a_clock_that_jumps_forward_many_times(self) -> None:
        keep(self.folder)
        for _ in range(6):
            self.wall += 30 * DAY
            self.assertEqual(self.prune(OLD, hours=0.5), ["7f3a"])
        self.assertEqual(self.prune(OLD, hours=2), [])

    def test_a_clock_that_is_wrong_at_the_start_and_set_soon(self) -> None:
        keep(self.folder)
        self.wall = BEGAN + 3650 * DAY
        self.assertEqual(self.prune(OLD, hours=0.5), ["7f3a"])
        self.wall = BEGAN + 10 * DAY
        self.assertEqual(self.prune(OLD, hours=5), ["7f3a"])

    def test_one_that_is_written_stays(self) -> None:
        path = keep(self.folder, end="")
        with path.open("ab") as file:
            mark_as_written(file.fileno())
            self.assertEqual(self.prune(SMALL), ["7f3a"])
        self.assertEqual(self.prune(SMALL), [])
        self.assertEqual(self.pruner.failures, 0)

    def test_one_that_may_be_watched_stays_until_its_links_end(self) -> None:
        keep(self.folder)
        keep(self.folder, "7f3b")
        self.links = {"7f3a"}
        self.assertEqual(self.prune(SMALL), ["7f3a"])
        self.links = set()
        self.assertEqual(self.prune(SMALL), [])

    def test_all_stay_while_it_is_not_known_what_is_watched(self) -> None:
        keep(self.folder)

        async def linked(sessions: Sequence[str]) -> frozenset[str]:
            raise StoreUnavailable("redis is away")

        self.linked = linked  # type: ignore[method-assign]
        self.pruner = self.make_pruner()
        failing = Deferred.fromCoroutine(self.pruner.prune([SMALL]))
        self.failureResultOf(failing, StoreUnavailable)
        self.assertTrue((self.folder / name_of("7f3a")).exists())

    def test_one_that_cannot_be_deleted_keeps_no_other(self) -> None:
        keep(self.folder)
        self.library.refusal = "AccessDenied: it is locked"
        self.assertEqual(self.prune(SMALL, hours=0.5), ["7f3a"])
        self.assertEqual(self.pruner.failures, 4)
        self.assertEqual(self.lines, [])
        self.library.refusal = ""
        self.assertEqual(self.prune(SMALL), [])

    def test_foreign_files_are_never_touched(self) -> None:
        day = keep(self.folder).parent
        foreign = [day / "notes.txt", self.folder / "x.vncr", day / "080001-7f3c.vncr"]
        for each in foreign:
            each.write_bytes(b"of others")
        self.prune(SMALL, Rule(age=1), hours=3)

        self.assertEqual([each.read_bytes() for each in foreign], [b"of others"] * 3)
        self.assertFalse((self.folder / name_of("7f3a")).exists())

    def test_another_proxy_was_faster(self) -> None:
        path = keep(self.folder)

        async def linked(sessions: Sequence[str]) -> frozenset[str]:
            path.unlink()
            return frozenset()

        self.linked = linked  # type: ignore[method-assign]
        self.pruner = self.make_pruner()
        self.assertEqual(self.prune(SMALL), [])
        self.assertEqual((self.lines, self.pruner.failures), ([], 0))
