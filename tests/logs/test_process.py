from __future__ import annotations

import io
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.python.logfile import LogFile
from twisted.python.reflect import namedAny
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.logs import process
from vncproxy.logs.process import ProcessLogging


def at_once(call: Callable[[], object]) -> None:
    call()


class TwistdTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.logging = ProcessLogging()
        self.patch(process, "process_logging", self.logging)
        before = signal.getsignal(signal.SIGUSR1)
        self.addCleanup(signal.signal, signal.SIGUSR1, before)

    def test_it_is_named_a_function_that_makes_the_observer(self) -> None:
        options: dict[str, Any] = {"nodaemon": True, "logfile": None, "logger": None}
        self.logging.take_over(options, at_once)

        observer = namedAny(options["logger"])()

        self.assertIs(observer, self.logging.observer)
        self.assertIs(self.logging.open_as_twistd(), sys.stdout)

    def test_what_the_command_line_says_stays(self) -> None:
        for more in (
            {"syslog": True},
            {"logger": "some.observer"},
            {"logfile": "-", "nodaemon": False},
        ):
            options: dict[str, Any] = {"nodaemon": True, "logfile": None, "logger": None, **more}
            before = dict(options)
            self.logging.take_over(options, at_once)
            self.assertEqual(options, before)

    def test_a_file_that_sigusr1_rotates(self) -> None:
        path = Path(self.mktemp()).resolve()
        signal.signal(signal.SIGUSR1, signal.SIG_DFL)
        self.logging.take_over({"nodaemon": True, "logfile": str(path), "logger": None}, at_once)

        file = self.logging.open_as_twistd()

        self.addCleanup(file.close)
        self.assertIsInstance(file, LogFile)
        self.assertEqual(file.path, str(path))
        self.assertTrue(callable(signal.getsignal(signal.SIGUSR1)))

    def test_format_and_level_before_and_after_the_log_has_begun(self) -> None:
        stream = io.StringIO()
        self.logging.configure("json", "info")
        observer = self.logging.make(stream)
        observer({"log_format": "a", "log_time": 0.0})
        self.logging.configure("text", "info")
        observer({"log_format": "b", "log_time": 0.0})

        first, second = stream.getvalue().splitlines()
        self.assertTrue(first.startswith("{"))
        self.assertTrue(second.endswith("[-#info] b"))


class TwistTests(SynchronousTestCase):
    def test_it_gets_a_function_that_makes_the_observer(self) -> None:
        logging = ProcessLogging()
        options: dict[str, Any] = {"logFile": sys.stdout, "fileLogObserverFactory": object()}
        logging.take_over(options, at_once)

        observer = options["fileLogObserverFactory"](io.StringIO())

        self.assertIs(observer, logging.observer)
