"""Hostile cases: against the whole proxy in memory, and against parts; ``make fuzz`` tries more."""

from __future__ import annotations

from typing import Any

from twisted.internet.protocol import Protocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.fuzz.filters import Filters
from tests.fuzz.surface import API_KEY, BATCH, Fault, Surface
from tests.fuzz.viewers import Viewers
from vncproxy.downstream import routes
from vncproxy.downstream.native_viewer import NativeViewer
from vncproxy.rfb.viewer_login import Login

CASES = 25_000
VIEWER_CASES = 1_500
FILTER_CASES = 3_000
SEED = 1


class FuzzTests(SynchronousTestCase):
    timeout = 600

    def setUp(self) -> None:
        self.patch(routes, "novnc_installed", lambda: True)

    def test_no_bytes_cause_a_traceback_an_endless_answer_or_a_hang(self) -> None:
        surface = Surface(SEED)

        surface.run(CASES)

        self.assertGreaterEqual(surface.cases, CASES)


class ViewerTests(SynchronousTestCase):
    timeout = 600

    def test_no_viewer_causes_a_traceback_a_leak_or_a_hang(self) -> None:
        viewers = Viewers(SEED)

        viewers.run(VIEWER_CASES)

        self.assertGreaterEqual(viewers.cases, VIEWER_CASES)
        self.assertGreater(viewers.logins, VIEWER_CASES / 20)

    def test_a_token_in_the_log_is_found(self) -> None:
        def log_it(connection: NativeViewer, login: Login) -> None:
            connection.log.info("{login}", login=login.password)
            connection.transport.loseConnection()

        self.patch(NativeViewer, "_start_session", log_it)

        with self.assertRaisesRegex(Fault, "logged a secret"):
            Viewers(SEED).run(400)


class FilterTests(SynchronousTestCase):
    timeout = 600

    def test_no_stream_passes_what_it_may_not_or_gets_filters_out_of_step(self) -> None:
        filters = Filters(SEED)

        filters.run(FILTER_CASES)

        self.assertGreaterEqual(filters.cases, FILTER_CASES)


class Failing(Protocol):
    """A proxy with a defect, which the fuzzer has to find."""

    log = Logger()

    def __init__(self, fault: str) -> None:
        self._fault = fault

    def dataReceived(self, data: bytes) -> None:
        if self._fault == "traceback":
            self.log.failure("failed", Failure(ValueError()))
        elif self._fault == "raise":
            raise ValueError("not caught")
        elif self._fault == "line":
            self.log.info("{line}", line="\x1b[31m")
        elif self._fault == "lines":
            for _ in range(100):
                self.log.info("again")
        elif self._fault == "secret":
            self.log.info("{secret}", secret=API_KEY)
        elif self._fault == "answer":
            assert self.transport is not None
            self.transport.write(bytes(10_000_000))
        if self._fault != "hang":
            transport: Any = self.transport
            transport.loseConnection()


class WatchTests(SynchronousTestCase):
    """The fuzzer sees what it is there to see."""

    def test_faults(self) -> None:
        for fault, words in (
            ("traceback", "failed"),
            ("raise", "raised ValueError"),
            ("line", "logged"),
            ("lines", "wrote 100 lines"),
            ("secret", "logged a secret"),
            ("answer", "answered 10000000 bytes"),
            ("hang", "still open after"),
        ):
            surface = Surface(SEED)
            for name in surface.factories:
                surface.factories[name] = Failures(fault)

            with self.assertRaises(Fault) as raised:
                surface.run(BATCH)

            self.assertIn(words, str(raised.exception))
        self.flushLoggedErrors(ValueError)


class Failures:
    """Makes connections with one fault."""

    def __init__(self, fault: str) -> None:
        self._fault = fault

    def buildProtocol(self, address: object) -> Failing:
        return Failing(self._fault)
