from __future__ import annotations

import io
import os
import tempfile

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.logs.outlets import is_journal


class JournalTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.file = tempfile.TemporaryFile()  # noqa: SIM115
        self.addCleanup(self.file.close)
        status = os.fstat(self.file.fileno())
        self.its = f"{status.st_dev}:{status.st_ino}"

    def test_the_stream_that_systemd_names(self) -> None:
        self.assertTrue(is_journal(self.file, {"JOURNAL_STREAM": self.its}))

    def test_another_stream(self) -> None:
        for text in ("", ":", "8:1", self.its + "1", "x"):
            self.assertFalse(is_journal(self.file, {"JOURNAL_STREAM": text}), text)
        self.assertFalse(is_journal(self.file, {}))

    def test_a_stream_without_a_descriptor(self) -> None:
        self.assertFalse(is_journal(io.StringIO(), {"JOURNAL_STREAM": self.its}))
        self.assertFalse(is_journal(object(), {"JOURNAL_STREAM": self.its}))
