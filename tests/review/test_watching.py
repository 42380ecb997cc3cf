"""What those see that come by a link, and what is written of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.internet.defer import fail

from tests.doubles.recorded_files import BEGAN, about, name_of
from tests.replay.playing import recording_of
from tests.replay.test_making import INIT, painted
from tests.review.world import ReviewCase
from vncproxy.archive.folder import FolderLibrary
from vncproxy.archive.library import Description, Entry
from vncproxy.errors import BackendError, StoreUnavailable
from vncproxy.model import secret_id
from vncproxy.player import BeingMade, NotShown
from vncproxy.recording.being_written import mark_as_written
from vncproxy.replay import Kind, copy_of, unpack_entries
from vncproxy.review.copies import Copies
from vncproxy.review.limits import IDLE
from vncproxy.review.shelf import RecordingsUnavailable, Shelf


class AdmissionTests(ReviewCase):
    def setUp(self) -> None:
        super().setUp()
        self.record()

    def refusal(self, secret: str, session: str = "7f3a") -> NotShown:
        error: NotShown = self.failure(self.admit(secret, session), NotShown)
        return error

    def test_what_is_no_good_link_is_refused_in_one_way(self) -> None:
        self.record("other")
        elsewhere, revoked = self.link("other"), self.link()
        self.now(self.links.revoke("7f3a", secret_id(revoked)))
        told = set()
        for secret in ("", "x", "a" * 43, "ä", "x" * 5000, elsewhere, revoked):
            error = self.refusal(secret)
            told.add((error.http_status, error.word, error.sentence()))
        self.assertEqual(len(told), 1, told)
        self.assertEqual(told.pop()[:2], (401, "link-expired"))
        self.assertEqual(len(self.door.refusals), 7)
        for why in self.door.refusals:
            self.assertNotIn(elsewhere, why)

    def test_a_link_ends_where_it_is_not_opened_in_time(self) -> None:
        secret = self.link()
        self.clock.advance(601)
        self.assertEqual(self.refusal(secret).http_status, 401)

    def test_a_link_in_use_goes_on(self) -> None:
        secret = self.link()
        for _ in range(10):
            self.clock.advance(IDLE - 1)
            self.now(self.admit(secret))
        self.clock.advance(IDLE + 1)
        self.assertEqual(self.refusal(secret).http_status, 401)

    def test_an_address_that_was_refused_too_often(self) -> None:
        secret = self.link()
        self.door.is_shut = True
        self.assertEqual(self.refusal(secret).http_status, 429)

    def test_a_store_that_does_not_answer_shows_nothing(self) -> None:
        secret = self.link()
        self.patch(self.links, "use", lambda *_: fail(StoreUnavailable()))
        self.failure(self.admit(secret), StoreUnavailable)
        self.assertEqual(self.door.refusals, [])

    def test_a_link_of_a_later_version_is_not_read(self) -> None:
        secret = "s" * 43
        record = json.dumps({"v": 2, "session": "7f3a"})
        self.now(self.links.add(secret_id(secret), "7f3a", record, 60, 60))
        self.assertEqual(self.refusal(secret).http_status, 401)


class PlayedTests(ReviewCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = self.record()
        self.shown = self.watched(self.link())

    def contents(self) -> Any:
        with self.assertRaises(BeingMade):
            self.raise_from(self.shown.contents())
        self.maker.finish()
        return self.now(self.shown.contents())

    def raise_from(self, work: Any) -> None:
        raise self.failure(work, BeingMade)

    def test_the_copy_is_made_once_and_then_shown(self) -> None:
        for _ in range(3):
            error = self.failure(self.shown.contents(), BeingMade)
        self.assertEqual(error.progress, 0.25)
        self.assertEqual(len(self.maker.asked), 1)
        found = self.contents()
        self.assertEqual(
            (found["state"], found["user"], found["reviewer"], found["may_download"]),
            ("ended", "alice", "rita", False),
        )
        part = self.now(self.shown.segment(0))
        part.file.seek(part.offset)
        entries = list(unpack_entries(part.file.read(part.size)))
        part.file.close()
        self.assertEqual(entries[0].kind, Kind.KEY_FRAME)

    def test_a_segment_that_is_not_there(self) -> None:
        found = self.contents()
        for number in (len(found["segments"]), 10**9):
            error = self.failure(self.shown.segment(number), NotShown)
            self.assertEqual(error.http_status, 404)

    def test_one_that_cannot_be_made_says_why_and_is_not_tried_again(self) -> None:
        self.failure(self.shown.contents(), BeingMade)
        self.maker.fail("what the server sent cannot be decoded")
        for _ in range(2):
            error = self.failure(self.shown.contents(), NotShown)
            self.assertEqual((error.http_status, error.word), (409, "recording-unplayable"))
            self.assertIn("cannot be decoded", error.sentence())
        self.assertEqual(self.maker.asked, [])

    def test_a_copy_that_was_cut_off_or_of_another_file_is_made_anew(self) -> None:
        self.contents()
        copy = copy_of(self.path)
        copy.write_bytes(copy.read_bytes()[:-5])
        another = Copies(self.reviewing.shelf, self.maker)
        found = self.now(self.reviewing.shelf.find("7f3a"))
        self.failure(another.table(found), BeingMade)
        self.maker.finish()
        self.path.write_bytes(self.path.read_bytes()[:-60])
        self.failure(self.shown.contents(), BeingMade)

    def test_a_sealed_recording(self) -> None:
        self.record("sealed", sealed_key="a2V5")
        error = self.failure(self.watched(self.link("sealed"), "sealed").contents(), NotShown)
        self.assertEqual((error.http_status, error.word), (409, "recording-sealed"))
        self.assertIn("vncproxy recording play", error.sentence())

    def test_a_recording_that_was_deleted_meanwhile(self) -> None:
        self.contents()
        copy_of(self.path).unlink()
        self.path.unlink()
        for work in (self.shown.contents(), self.shown.segment(0), self.shown.follow()):
            error = self.failure(work, NotShown)
            self.assertEqual((error.http_status, error.word), (404, "recording-not-found"))

    def test_one_that_is_damaged_is_shown_up_to_there_and_copied_once(self) -> None:
        """Its copy must count as that of the whole file, also where not all of it was read."""
        events = [INIT, *(painted(1000 * number) for number in range(3000))]
        data = bytearray(recording_of(events, about("7f3a", BEGAN)))
        data[len(data) // 10] ^= 1
        self.assertGreater(len(data), 4 * 65536)
        self.path.write_bytes(data)
        found = self.contents()
        self.assertIn("the recording is damaged: chunk", found["trouble"])
        self.assertEqual(found["hash"], "")
        self.assertEqual(self.maker.asked, [])
        self.now(self.shown.segment(0)).file.close()

    def test_the_page_has_the_hash_that_the_audit_has(self) -> None:
        found = self.contents()
        self.assertEqual(found["hash"], self.path.read_bytes()[-32:].hex())
        self.assertNotIn("about", found)

    def test_one_whose_storage_says_something_else_is_not_shown(self) -> None:
        """A card in a bucket, such as that of another machine, which a reviewer may watch."""
        self.contents()
        library = self.reviewing.shelf.library
        described = library.describe

        def changed(entry: Entry) -> Description:
            found = described(entry)
            return replace(found, about=replace(found.about, vm="kvm/web-02"))

        self.patch(library, "describe", changed)
        shown = self.watched(self.link())
        for work in (shown.contents(), shown.segment(0)):
            error = self.failure(work, NotShown)
            self.assertEqual((error.http_status, error.word), (409, "recording-changed"))

    def test_a_recording_that_only_the_proxy_of_the_link_has(self) -> None:
        shown = self.watched(self.link("none", proxy="proxy-7"), "none")
        error = self.failure(shown.contents(), NotShown)
        self.assertEqual(error.word, "recording-elsewhere")
        self.assertIn("proxy-7", error.sentence())

    def test_a_storage_that_does_not_answer(self) -> None:
        self.calls.failure = BackendError("no answer within 15 s")
        self.failure(self.shown.contents(), RecordingsUnavailable)

    def test_the_file_where_the_link_allows_it(self) -> None:
        error = self.failure(self.shown.open_file(), NotShown)
        self.assertEqual(error.http_status, 403)
        name, part = self.now(self.watched(self.link(may_download=True)).open_file())
        part.file.seek(part.offset)
        found = name, part.file.read(part.size)
        self.assertEqual(found, (name_of("7f3a")[11:], self.path.read_bytes()))
        part.file.close()
        self.assertEqual(self.events(), ["review", "review-file"])

    def test_one_that_has_ended_is_not_followed(self) -> None:
        error = self.failure(self.shown.follow(), NotShown)
        self.assertEqual((error.http_status, error.word), (409, "not-live"))

    def test_one_that_goes_on_is_followed_and_has_no_segments(self) -> None:
        with self.path.open("rb+") as writing:
            self.path.write_bytes(self.path.read_bytes()[:-150])
            mark_as_written(writing.fileno())
            found: Any = self.now(self.shown.contents())
            self.assertEqual((found["state"], found["segments"]), ("recording", []))
            self.assertIn(str(self.path), self.now(self.shown.follow()))
            self.room = 0
            error = self.failure(self.shown.follow(), NotShown)
            self.assertEqual((error.http_status, error.word), (503, "too-many-reviewers"))
        self.assertEqual(self.maker.asked, [])


class RemoteLibrary(FolderLibrary):
    """Recordings that are not files of this machine."""

    def local_path(self, entry: Entry) -> Path | None:
        return None


class RemoteTests(ReviewCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = self.record()
        self.shelf = Shelf(RemoteLibrary(self.folder), self.calls, "proxy-1")
        self.copies = Copies(self.shelf, self.maker)
        self.recorded = self.now(self.shelf.find("7f3a"))

    def test_the_copy_is_made_of_a_file_that_is_fetched(self) -> None:
        self.failure(self.copies.table(self.recorded), BeingMade)
        ((fetched, _),) = self.maker.asked
        self.assertEqual(fetched.read_bytes(), self.path.read_bytes())
        self.assertEqual(self.copies.playable(self.recorded), "making")
        self.maker.finish()
        self.assertEqual(self.now(self.copies.table(self.recorded)).session, "7f3a")
        self.assertFalse(fetched.parent.exists())

    def test_nothing_is_left_where_none_can_be_made(self) -> None:
        self.failure(self.copies.table(self.recorded), BeingMade)
        ((fetched, _),) = self.maker.asked
        self.maker.fail("it cannot be decoded")
        self.assertFalse(fetched.parent.exists())
        self.failure(self.copies.table(self.recorded), NotShown)
        self.assertEqual(self.copies.playable(self.recorded), "no")


class VisitTests(ReviewCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = self.record()
        self.secret = self.link()
        self.shown = self.watched(self.secret)
        self.failure(self.shown.contents(), BeingMade)
        self.maker.finish()

    def see(self, number: int = 0) -> None:
        self.now(self.watched(self.secret).segment(number)).file.close()

    def test_one_line_at_the_beginning_and_one_at_the_end(self) -> None:
        found: Any = self.now(self.shown.contents())
        size = found["segments"][0]["size"]
        for _ in range(3):
            self.clock.advance(100)
            self.see()
        self.assertEqual(self.events(), ["review"])
        self.clock.advance(200)
        self.clock.pump([30] * 11)
        self.assertEqual(self.events(), ["review", "review-end"])
        who = {
            "session": "7f3a",
            "vm": "kvm/web-01",
            "user": "alice",
            "reviewer": "rita",
            "key": "auditor",
            "link": secret_id(self.secret)[:12],
            "client": "192.0.2.9",
            "live": False,
        }
        self.assertEqual(self.lines[0][1], who)
        more = {"from": 0.0, "to": 2.0, "seconds": 300, "bytes": 3 * size, "reason": "idle"}
        self.assertEqual(self.lines[1][1], {**who, **more})

    def test_another_address_is_another_visit(self) -> None:
        self.see()
        self.door.address = "192.0.2.10"
        self.see()
        self.assertEqual([line["client"] for _, line in self.lines], ["192.0.2.9", "192.0.2.10"])

    def test_a_revoked_link_ends_the_visit(self) -> None:
        self.see()
        self.now(self.links.revoke("7f3a"))
        self.failure(self.admit(self.secret), NotShown)
        self.assertEqual(self.lines[-1][1]["reason"], "link-ended")
        self.reviewing.stop()
        self.assertEqual(self.events(), ["review", "review-end"])

    def test_the_end_of_the_process_ends_them(self) -> None:
        self.see()
        self.reviewing.stop()
        self.assertEqual(self.lines[-1][1]["reason"], "proxy-stopping")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_visit_counts(self) -> None:
        self.see()
        self.assertEqual(self.reviewing.visits.begun, {"recording": 1, "live": 0})
        self.reviewing.stop()
