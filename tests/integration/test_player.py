"""The player shows the same pixels as the recording has, at every moment that is sought."""

from __future__ import annotations

import atexit
from functools import cache

import numpy as np
import pyrage
from click.testing import CliRunner
from numpy.typing import NDArray
from selenium.webdriver.common.keys import Keys
from twisted.trial.unittest import SynchronousTestCase

from tests.components.accessibility import findings
from tests.components.painted_display import PaintedDisplay
from tests.components.player_page import PlayCommand, PlayerPage
from tests.components.timed_recording import ZRLE, TimedRecording
from vncproxy.cli import main
from vncproxy.recording.being_written import mark_as_written
from vncproxy.recording.playing import pictures_at
from vncproxy.recording.reading import RecordingReader
from vncproxy.recording.writing import RecordingWriter

WIDTH, HEIGHT = 320, 200
HOUR = 3600.0


class World(PaintedDisplay):
    """A display, a recording of eight hours at it, and the command that plays it."""

    def __init__(self) -> None:
        super().__init__("player", (WIDTH, HEIGHT))
        self.file = self.folder / "long.vncr"
        self._record().save(self.file)
        self.command = PlayCommand(self.file)
        atexit.register(self.command.stop)

    def paint(self, seed: int, x: int = 0, y: int = 0, noisy: bool = False) -> None:
        """Paint squares, or what the server compresses with losses."""
        rng = np.random.default_rng(seed)
        block = 1 if noisy else 20
        few = rng.integers(0, 256, (100 // block, 160 // block, 3), np.uint8)
        pixels = few.repeat(block, axis=0).repeat(block, axis=1)
        pad = np.zeros((100, 160, 1), np.uint8)
        self.painter.paint(x, y, 160, np.dstack((pixels[:, :, ::-1], pad)).tobytes())

    def _record(self) -> TimedRecording:
        """Record something each half hour, for eight hours, with another size in the middle."""
        recording = TimedRecording(self.display.port)
        for number in range(16):
            recording.seconds = 2.0 + number * HOUR / 2
            if number == 8:
                recording.resize(400, 260)
            for step in range(3):
                recording.seconds += 0.5
                self.paint(number * 3 + step, 40 * step, 10 * step, noisy=step == 2)
                recording.update()
                recording.pointer(10 * step, 20, 1 if step == 2 else 0)
            recording.seconds += 0.2
            recording.key(0x61 + number)
        recording.seconds = 8 * HOUR
        recording.note()
        return recording

    def expected(self, seconds: float) -> NDArray[np.uint8]:
        """Return the picture of the proxy's own decoder at a moment."""
        with self.file.open("rb") as file:
            picture = next(pictures_at(RecordingReader(file).events(), [round(seconds * 1e6)]))
        assert picture is not None
        return picture.pixels.copy()


@cache
def world() -> World:
    return World()


class PlayerTests(SynchronousTestCase):
    timeout = 180

    def setUp(self) -> None:
        self.page = PlayerPage()

    def open(self, moment: str = "") -> None:
        self.page.open(world().command.url + moment)
        self.page.wait_for_state("ready")

    def assert_shown(self, seconds: float) -> None:
        found, expected = self.page.picture(), world().expected(seconds)
        self.assertEqual(found.shape, expected.shape)
        difference = np.abs(found.astype(int) - expected)
        # two decoders of JPEG may round differently
        self.assertLessEqual(difference.max(), 4, seconds)

    def wait_for_pixels(self, expected: NDArray[np.uint8]) -> None:
        self.page.wait_for("pixels", lambda: np.array_equal(self.page.picture(), expected))

    def test_pictures_of_moments_forward_back_and_over_another_size(self) -> None:
        self.open("#t=1803.2")
        self.page.wait_for_moment(1803.2)
        self.assert_shown(1803.2)
        for seconds in (1802.6, 5 * HOUR + 2.5, 3.2, 4 * HOUR + 1.9, 4 * HOUR + 2.6, 28799.0, 2.4):
            self.page.seek(seconds)
            self.assert_shown(seconds)
        self.assertNotIn("token", self.page.js("return location.href"))

    def test_sixteen_times_as_fast_without_idle_time(self) -> None:
        self.open()
        self.page.js(
            "const speed = document.querySelector('#speed'); speed.value = 16;"
            "speed.dispatchEvent(new Event('change'))"
        )
        self.page.press(" ")
        self.page.wait_for("two hours", lambda: int(self.page.data("moment") or 0) > 2 * HOUR * 1e6)
        self.page.press(" ")
        self.page.wait_for("a pause", lambda: self.page.data("playing") is None)
        self.assert_shown(int(self.page.data("moment") or 0) / 1e6)

    def test_keys_move_and_say_where_they_are(self) -> None:
        self.open("#t=1802.7")
        for keys, seconds in (
            ((Keys.ARROW_RIGHT,), 1807.7),
            ((Keys.SHIFT + Keys.ARROW_LEFT,), 1747.7),
            ((Keys.END,), 8 * HOUR),
            ((Keys.HOME,), 0.0),
        ):
            self.page.press(*keys)
            self.page.wait_for_moment(seconds)
        spoken = self.page.js("return document.querySelector('#line').ariaValueText")
        self.assertEqual(spoken, "0 seconds of 8 hours")
        self.page.seek(1805.0)
        self.assertEqual(self.page.text("pressed"), "b")
        self.assertFalse(self.page.js("return document.querySelector('#pointer').hidden"))

    def test_who_when_and_how_it_ended(self) -> None:
        self.open()
        self.assertEqual(self.page.text("name"), "kvm/web-01")
        self.page.press("?")
        facts = self.page.text("facts")
        for fact in ("alice", "2026", "192.0.2.7", "7f3a0001c44be902", "closed the console"):
            self.assertIn(fact, facts)
        with world().file.open("rb") as file:
            reader = RecordingReader(file)
            reader.read_rest()
        for fact in ("if the audit has the same hash of it", reader.hash):
            self.assertIn(fact, facts)
        self.assertEqual(findings(self.page.driver), [])

    def test_what_is_not_there_is_said(self) -> None:
        self.open("#t=99999")
        self.page.wait_for(
            "words", lambda: "Nothing is recorded at 27:46:39" in self.page.text("notices")
        )
        address = world().command.url.partition("?")[0]
        self.page.js("sessionStorage.clear()")
        for url, words in (
            (address, "This address lacks its key"),
            (f"{address}?token=wrong", "This link is not valid any more"),
            (
                address[:-1] + "0" + world().command.url[len(address) :],
                "There is no such recording",
            ),
        ):
            self.page.open(url)
            self.page.wait_for_state("failed")
            self.assertIn(words, self.page.text("card"))
        self.assertEqual(findings(self.page.driver), [])

    def test_a_session_that_goes_on_is_followed_to_its_end(self) -> None:
        recording = TimedRecording(world().display.port, ZRLE)
        file = world().folder / "live.vncr"
        writer = RecordingWriter(recording.about)
        with file.open("wb") as output:
            mark_as_written(output.fileno())
            output.write(writer.begin() + writer.events(recording.take_events()))
            output.flush()
            command = PlayCommand(file)
            self.addCleanup(command.stop)
            self.page.open(command.url)
            self.page.wait_for_state("live")
            self.page.wait_for("a mark", lambda: self.page.text("kind") == "Live")
            for seed in (71, 72):
                recording.seconds += 1.0
                world().paint(seed)
                recording.update()
                output.write(writer.events(recording.take_events()))
                output.flush()
                expected = recording.pixels()
                self.wait_for_pixels(expected)
            output.write(writer.end("client-gone", 2_000_000))
        recording.viewer.close()
        self.page.wait_for_state("ready")
        self.page.wait_for_moment(2.0)
        self.assertTrue(np.array_equal(self.page.picture(), expected))

    def test_a_sealed_recording_whose_proxy_was_killed(self) -> None:
        identity = pyrage.x25519.Identity.generate()
        recording = TimedRecording(world().display.port)
        file, key = world().folder / "sealed.vncr", world().folder / "identity"
        key.write_text(f"{identity}\n")
        recording.save(file, None, recipient=str(identity.to_public()))
        result = CliRunner().invoke(main, ["recording", "play", str(file)])
        self.assertEqual(result.exit_code, 1)
        self.assertIn("--identity", result.output)

        command = PlayCommand(file, "--identity", str(key))
        self.page.open(command.url)
        self.page.wait_for_state("ready")
        self.assertEqual(self.page.text("kind"), "Breaks off")
        self.page.press(Keys.END)
        self.page.wait_for("words", lambda: "was killed" in self.page.text("remark"))
        self.page.open("about:blank")
        self.assertEqual(command.stop(), 0)
