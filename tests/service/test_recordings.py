from __future__ import annotations

from pathlib import Path

import pyrage
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.config.recording import Recording
from vncproxy.config.settings import Settings
from vncproxy.errors import ConfigurationError
from vncproxy.service.gateway import longest_stop
from vncproxy.service.recordings import STOP_TIME, make_recordings


class RecordingsTests(SynchronousTestCase):
    def test_a_mistyped_recipient_does_not_start(self) -> None:
        good = str(pyrage.x25519.Identity.generate().to_public())
        wrong = good[:-1] + ("q" if good[-1] != "q" else "p")
        folder = Path(self.mktemp())
        folder.mkdir()
        recording = Recording(directory=str(folder), recipients=(good, wrong))
        settings = Settings(recording=recording)

        error = self.assertRaises(
            ConfigurationError, make_recordings, settings, lambda *_: None, Clock()
        )
        self.assertIn(wrong, str(error))

    def test_the_stop_has_time_for_them(self) -> None:
        recording = Recording(directory="/var/lib/vncproxy/recordings")
        longest = longest_stop(Settings(recording=recording))
        self.assertEqual(longest, longest_stop(Settings()) + STOP_TIME)
