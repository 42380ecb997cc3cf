from __future__ import annotations

from pathlib import Path
from typing import Any

import pyrage
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.config.check.recordings import check_recordings
from vncproxy.config.recording import Recording
from vncproxy.config.settings import Settings

GOOD = str(pyrage.x25519.Identity.generate().to_public())
MISTYPED = GOOD[:-1] + ("q" if GOOD[-1] != "q" else "p")


class RecordingTests(SynchronousTestCase):
    def of(self, **options: Any) -> list[str]:
        recording = Recording.model_validate(options)
        return [str(each) for each in check_recordings(Settings(recording=recording))]

    def test_nothing_is_recorded(self) -> None:
        self.assertEqual(self.of(), [])

    def test_sessions_that_cannot_be_recorded(self) -> None:
        for options in ({"users": ["bob"]}, {"vms": ["kvm/*"]}):
            (line,) = self.of(**options)
            self.assertTrue(line.startswith("warn  recording.directory: empty"), line)

    def test_the_directory(self) -> None:
        folder = Path(self.mktemp())
        (line,) = self.of(directory=str(folder))
        self.assertTrue(line.startswith("FAIL"), line)
        folder.mkdir()
        (line,) = self.of(directory=str(folder))
        self.assertTrue(line.startswith("ok"), line)

    def test_a_bucket_that_is_reached_in_clear_text(self) -> None:
        spool = Path(self.mktemp()).resolve()
        spool.mkdir()
        for host, lines in (("192.0.2.7", 2), ("127.0.0.1", 1), ("localhost", 1)):
            s3 = {"bucket": "records", "spool": str(spool), "endpoint": f"http://{host}:9000"}
            self.assertEqual(len(self.of(s3=s3)), lines, host)
        self.assertIn("in clear text; name an https", self.of(s3={**s3, "endpoint": "http://h"})[1])
        (line,) = self.of(s3={**s3, "endpoint": "https://192.0.2.7"})
        self.assertEqual(line, f"ok    recording.s3.spool: {spool} can be written")

    def test_a_mistyped_recipient(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        _, line = self.of(directory=str(folder), recipients=[GOOD])
        self.assertTrue(line.startswith("ok"), line)
        _, line = self.of(directory=str(folder), recipients=[GOOD, MISTYPED])
        self.assertTrue(line.startswith("FAIL"), line)
        self.assertIn(MISTYPED, line)
