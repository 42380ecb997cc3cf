"""Options of ``twistd vncproxy``."""

from __future__ import annotations

import contextlib
import io
import shutil
import tempfile
from pathlib import Path

from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase

from vncproxy import tap
from vncproxy.config.load import Settings
from vncproxy.tap import Options


class FileTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def write(self, text: str) -> str:
        path = self.folder / "vncproxy.toml"
        path.write_text(text)
        return str(path)


class OptionsTests(FileTestCase):
    def parse(self, *arguments: str) -> Options:
        options = Options()
        options.parseOptions(arguments)
        return options

    def status(self, *arguments: str) -> tuple[object, str]:
        """Return exit status and standard error of options that cannot work."""
        said = io.StringIO()
        with contextlib.redirect_stderr(said), self.assertRaises(SystemExit) as caught:
            self.parse(*arguments)
        return caught.exception.code, said.getvalue()

    def test_without_any_all_settings_have_their_default(self) -> None:
        self.assertEqual(self.parse().checked, Settings())

    def test_a_file_is_read(self) -> None:
        for option in ("--config", "-c"):
            options = self.parse(option, self.write("[limits]\nsessions = 7\n"))

            self.assertEqual(options.checked.limits.sessions, 7)

    def test_listeners_of_the_command_line_replace_the_files(self) -> None:
        config = self.write('[listen]\nweb = ["tcp:1", "tcp:2"]\nxvp = ["tcp:3"]\n')

        options = self.parse("-c", config, "--web", "tcp:4", "--web", "tcp:5", "--api", "tcp:6")

        listen = options.checked.listen
        self.assertEqual((listen.web, listen.xvp), (("tcp:4", "tcp:5"), ("tcp:3",)))
        self.assertEqual(listen.api, ("tcp:6",))

    def test_all_mistakes_of_a_file_are_told_with_status_2(self) -> None:
        config = self.write("[limits]\nsessions = 0\n[nonsense]\n[timeouts]\nconnect = 'x'\n")

        status, said = self.status("--config", config)

        self.assertEqual(status, 2)
        self.assertEqual(len(said.splitlines()), 3, said)
        for word in ("sessions", "nonsense", "connect"):
            self.assertIn(word, said)

    def test_a_file_that_is_missing(self) -> None:
        status, said = self.status("--config", "/no/such.toml")

        self.assertEqual(status, 2)
        self.assertEqual(said, "/no/such.toml: cannot be read: No such file or directory\n")

    def test_a_listener_of_the_command_line_that_cannot_work(self) -> None:
        status, said = self.status("--web", "nonsense:1")

        self.assertEqual(status, 2)
        self.assertTrue(said.startswith("--web: must begin with a type of endpoint"), said)
        self.assertNotIn("Traceback", said)

    def test_an_unknown_option(self) -> None:
        self.assertRaises(UsageError, self.parse, "--nonsense")

    def test_help_names_every_option(self) -> None:
        text = str(Options())

        for option in ("--config=", "--web=", "--xvp=", "--api="):
            self.assertIn(option, text)

    def test_errors_that_show_late_have_status_2(self) -> None:
        options = Options()
        options.parseOptions(["-c", self.write('[log]\naudit = "/no/such/file"\n')])
        said = io.StringIO()

        with contextlib.redirect_stderr(said), self.assertRaises(SystemExit) as caught:
            tap.makeService(options)

        self.assertEqual(caught.exception.code, 2)
        self.assertIn("/no/such/file cannot be written", said.getvalue())
