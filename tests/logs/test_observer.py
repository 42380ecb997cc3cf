from __future__ import annotations

import io
import json

from twisted.logger import ILogObserver, Logger
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from vncproxy.logs.observer import LogObserver


class LogObserverTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.stream = io.StringIO()
        self.observer = LogObserver(self.stream)
        self.log = Logger("vncproxy", observer=self.observer)

    def written(self) -> list[str]:
        return self.stream.getvalue().splitlines()

    def test_is_an_observer(self) -> None:
        self.assertTrue(verifyObject(ILogObserver, self.observer))

    def test_writes_from_its_level_on(self) -> None:
        self.log.debug("a")
        self.log.info("b")
        self.observer.configure("text", "warn")
        self.log.info("c")
        self.log.warn("d")
        self.observer.configure("text", "debug")
        self.log.debug("e")

        self.assertEqual([line[-1] for line in self.written()], ["b", "d", "e"])

    def test_audit_lines_are_written_at_any_level(self) -> None:
        self.observer.configure("text", "error")
        self.log.info("{audit}", audit="{}")

        self.assertEqual(len(self.written()), 1)

    def test_the_format_can_be_changed(self) -> None:
        self.log.info("a")
        self.observer.configure("json", "info")
        self.log.info("b")

        first, second = self.written()
        self.assertTrue(first.endswith("[vncproxy#info] a"))
        self.assertEqual(json.loads(second)["message"], "b")

    def test_text_that_the_stream_cannot_encode_is_escaped(self) -> None:
        raw = io.BytesIO()
        stream = io.TextIOWrapper(raw, encoding="ascii")
        Logger("vncproxy", observer=LogObserver(stream)).info("to {vm}", vm="prüf\udcff")

        self.assertIn(rb"pr\xfcf\udcff", raw.getvalue())
