"""Sessions that are recorded, on a disk that writes when the test lets it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.doubles.frames import TEXT
from tests.doubles.recordings import PacedDirectory
from tests.doubles.users import upgrade
from tests.doubles.websocket_users import OWN, WebSocketTestCase
from vncproxy.errors import RecordingStopped, RecordingUnavailable
from vncproxy.model import Policy
from vncproxy.recording.recordings import Recordings
from vncproxy.recording.tape import LONGEST_UNWRITTEN, LONGEST_WAIT, MOST_OF_ALL
from vncproxy.session.recorded import LONGEST_BEGINNING


class RecordedCase(WebSocketTestCase):
    ends = False

    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.directory = PacedDirectory(self.folder)
        self.recordings = Recordings(self.directory, self.reactor, self.note)
        self.open_site(
            recorder=self.recordings,
            observers=(self.observer, self.recordings),
            ends_unrecorded=self.ends,
        )

    def open(self) -> None:
        """Open the console up to its greeting, as a page does."""
        token = self.issue(Policy(record=True))
        self.browse(upgrade(f"/websockify?token={token}&talks=1", "Origin: " + OWN), token)
        self.hypervisor = self.console()

    def greeted(self) -> bool:
        self.browser.send(b"RFB 003.008\n\1\1")
        return b"scripted" in self.browser.receive()

    def told(self) -> list[dict[str, Any]]:
        """Return what the page was told of its recording."""
        self.browser.receive()
        texts = [text.decode() for kind, text in self.browser.control if kind == TEXT]
        told = [json.loads(text.removeprefix("vncproxy:")) for text in texts if "{" in text]
        return [each for each in told if each["event"] == "recording"]

    def events(self) -> list[str]:
        return [event for event, _ in self.notes]


class GoOnTests(RecordedCase):
    def test_the_page_is_told_when_the_recording_stops(self) -> None:
        self.open()
        self.assertTrue(self.greeted())
        self.assertEqual([each["on"] for each in self.told()], [True])
        self.hypervisor.send(bytes(4))
        self.wait(LONGEST_WAIT)
        self.folder.rmdir()
        self.directory.write()

        self.assertEqual([each["on"] for each in self.told()], [True, False])
        self.assertEqual(self.observer.closings, [])
        self.assertEqual(self.events(), ["recording-stopped"])

    def test_without_room_it_goes_on_and_is_not_said_to_be_recorded(self) -> None:
        self.directory.room.taken = MOST_OF_ALL
        self.open()
        self.assertTrue(self.greeted())
        self.assertEqual(self.told(), [])

    def test_a_user_who_leaves_during_the_greeting(self) -> None:
        self.open()
        self.peer.close()
        self.directory.write()

        self.assertEqual(len(self.observer.refusals), 1)
        self.assertEqual(self.events(), ["recording"])
        self.assertEqual(self.directory.room.taken, 0)


class EndTests(RecordedCase):
    ends = True

    def test_nothing_is_shown_before_the_first_bytes_are_written(self) -> None:
        self.open()
        self.assertFalse(self.greeted())
        self.directory.write()
        self.assertIn(b"scripted", self.browser.receive())
        self.assertEqual([each["on"] for each in self.told()], [True])

    def test_a_disk_that_hangs_refuses_it(self) -> None:
        self.open()
        self.wait(LONGEST_BEGINNING)
        self.assertIsInstance(self.only_refusal(), RecordingUnavailable)
        self.hypervisor.receive()
        self.wait(self.timeouts.linger)
        self.assertIsNotNone(self.hypervisor.closed)

    def test_a_disk_that_is_gone_refuses_it(self) -> None:
        self.folder.rmdir()
        self.open()
        self.directory.write()
        self.assertIsInstance(self.only_refusal(), RecordingUnavailable)
        self.assertEqual(self.events(), ["recording-stopped"])

    def test_memory_that_is_full_refuses_it(self) -> None:
        self.directory.room.taken = MOST_OF_ALL
        self.open()
        self.assertIsInstance(self.only_refusal(), RecordingUnavailable)
        self.assertEqual(self.directory.room.taken, MOST_OF_ALL)

    def test_a_disk_that_hangs_later_ends_it(self) -> None:
        self.open()
        self.directory.write()
        self.assertTrue(self.greeted())
        self.hypervisor.send(bytes(4))
        self.wait(LONGEST_WAIT)
        self.wait(LONGEST_UNWRITTEN)
        self.wait(LONGEST_WAIT)
        ((_, why),) = self.observer.closings
        self.assertIsInstance(why, RecordingStopped)
