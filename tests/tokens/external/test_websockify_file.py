from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError
from twisted.internet.defer import Deferred, fail
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from websockify import token_plugins
from zope.interface.verify import verifyObject

from tests.doubles.external_tokens import make_source, source_context
from vncproxy.errors import BackendError, StoreUnavailable, TokenUnknown
from vncproxy.interfaces import ITokenSource
from vncproxy.model import Grant, Transport, VMAddress
from vncproxy.tokens.external.websockify_file import TokenFiles

A, B = "a" * 20, "b" * 20


class FileCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp()).resolve()
        self.events: list[LogEvent] = []
        observer = cast(ILogObserver, self.events.append)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

    def write(self, text: str, path: Path | None = None) -> Path:
        target = path or self.path
        target.write_text(text)
        stamp = getattr(self, "_stamp", 1_000_000_000) + 1_000_000_000
        self._stamp = stamp
        os.utime(target, ns=(stamp, stamp))
        return target

    def source(self, **table: Any) -> Any:
        return make_source(TokenFiles, **{"path": self.path, **table})

    def redeem(self, source: Any, token: str) -> Grant | None:
        found: Grant | None = self.successResultOf(Deferred.fromCoroutine(source.redeem(token)))
        return found

    def vm(self, source: Any, token: str) -> str:
        found = self.redeem(source, token)
        assert found is not None
        return found.token.vm.vm

    def probe(self, source: Any) -> str:
        return str(self.successResultOf(Deferred.fromCoroutine(source.probe())))

    def failure(self, source: Any) -> StoreUnavailable:
        waiting = Deferred.fromCoroutine(source.redeem(A))
        error = self.failureResultOf(waiting, StoreUnavailable).value
        assert isinstance(error, StoreUnavailable)
        return error

    def logged(self) -> str:
        return "\n".join(repr(event) for event in self.events)


class OneFileTests(FileCase):
    def test_it_keeps_the_interface(self) -> None:
        self.assertTrue(verifyObject(ITokenSource, self.source()))

    def test_a_line_is_a_token_and_its_target(self) -> None:
        self.write(f"# comment: here\n\n{A}: 10.0.0.5:5901\n{B}:\t[2001:db8::7]:5902\n")
        source = self.source()
        found = self.redeem(source, A)
        assert found is not None and found.endpoint is not None
        self.assertEqual(found.token.vm, VMAddress("old", "10.0.0.5:5901"))
        self.assertEqual((found.endpoint.host, found.endpoint.port), ("10.0.0.5", 5901))
        self.assertEqual(self.vm(source, B), "[2001:db8::7]:5902")

    def test_a_unix_socket(self) -> None:
        self.write(f"{A}: unix_socket:/run/vm/a.sock\n")
        found = self.redeem(self.source(), A)
        assert found is not None and found.endpoint is not None
        self.assertEqual(found.endpoint.transport, Transport.UNIX)
        self.assertEqual(found.endpoint.path, "/run/vm/a.sock")

    def test_the_last_of_two_lines_counts(self) -> None:
        self.write(f"{A}: a:1\n{A}: b:2\n")
        self.assertEqual(self.vm(self.source(), A), "b:2")

    def test_a_token_of_another_source_is_not_refused_here(self) -> None:
        self.write(f"{A}: a:1\n")
        self.assertIsNone(self.redeem(self.source(), B))

    def test_a_changed_file_is_read_again(self) -> None:
        self.write(f"{A}: a:1\n")
        source = self.source()
        self.redeem(source, A)
        self.write(f"{B}: b:2\n")
        self.assertIsNone(self.redeem(source, A))
        self.assertEqual(self.vm(source, B), "b:2")

    def test_an_unchanged_file_is_not_read_again(self) -> None:
        self.write(f"{A}: a:1\n")
        status = self.path.stat()
        source = self.source()
        self.redeem(source, A)
        self.path.write_text(f"{A}: b:1\n")
        os.utime(self.path, ns=(status.st_mtime_ns, status.st_mtime_ns))
        self.assertEqual(self.vm(source, A), "a:1")

    def test_malformed_lines_are_told_by_number_and_once(self) -> None:
        self.write(f"horse battery\n{A}: a:1\n{B}: a:1 # why: this\nstaple: nowhere\n")
        source = self.source()
        for _ in range(2):
            self.assertEqual(self.vm(source, A), "a:1")
        told = [event for event in self.events if "not 'token: host:port'" in event["log_format"]]
        self.assertEqual([event["lines"] for event in told], ["1, 3, 4"])
        for word in ("horse", "staple", A, B):
            self.assertNotIn(word, self.logged())

    def test_short_tokens_can_be_guessed_and_are_refused_unless_allowed(self) -> None:
        self.write(f"vm1: a:1\n{A}: a:2\n")
        refused = Deferred.fromCoroutine(self.source().redeem("vm1"))
        error = self.failureResultOf(refused, TokenUnknown).value
        self.assertIn("has 3 characters and could be guessed; give it 16 or more", error.detail)
        self.assertNotIn("vm1", error.detail)
        self.assertIsNone(self.redeem(self.source(), "vm2"))
        self.assertEqual(self.vm(self.source(shortest_token=1), "vm1"), "a:1")

    def test_tokens_that_are_refused_are_told_by_line_once_and_warned_of(self) -> None:
        self.write(f"vm1: a:1\n{A}: a:2\nh\u00e4: a:3\n")
        source = self.source()
        self.assertEqual([*source.warnings()], [])
        for _ in range(2):
            self.assertEqual(self.vm(source, A), "a:2")
        told = [event for event in self.events if "refused" in event]
        self.assertEqual(len(told), 1)
        (warning,) = source.warnings()
        self.assertIn("tokens in lines 1, 3 are refused: shorter than 16 characters", warning)
        self.assertNotIn("vm1", warning + self.logged())

        self.write(f"{A}: a:2\nnonsense\n")
        self.probe(source)
        (warning,) = source.warnings()
        self.assertIn("not 'token: host:port' in lines 2", warning)

    def test_a_file_that_is_not_there(self) -> None:
        error = self.failure(self.source())
        self.assertEqual(error.detail, f"old: {self.path}: No such file or directory")
        self.assertEqual(error.status, 503)

    def test_a_file_that_cannot_be_read_in_time(self) -> None:
        class Slow:
            def call(self, *_: Any) -> Deferred[Any]:
                return fail(BackendError("read did not answer within 5 s"))

        source = make_source(TokenFiles, source_context(calls=Slow()), path=self.path)
        self.assertIn("did not answer within 5 s", self.failure(source).detail)

    def test_it_comes_back_when_the_file_does(self) -> None:
        source = self.source()
        self.failure(source)
        self.write(f"{A}: a:1\n")
        self.assertEqual(self.vm(source, A), "a:1")

    def test_bytes_that_are_no_text_spoil_only_their_line(self) -> None:
        self.path.write_bytes(b"\xff\xfe: a:1\n" + f"{A}: a:2\n".encode())
        self.assertEqual(self.vm(self.source(), A), "a:2")

    def test_the_probe_tells_what_is_there_and_what_is_wrong(self) -> None:
        self.write(f"{A}: a:1\n")
        self.assertEqual(self.probe(self.source()), f"1 tokens in {self.path}")
        self.write(f"{A}: a:1\nvm1: a:2\nhorse\n")
        self.assertEqual(
            self.probe(self.source()),
            f"1 tokens in {self.path}, 1 lines that are not 'token: host:port', 1 tokens shorter "
            "than 16 characters (shortest_token) or with others than letters, digits, '_', '.' and "
            "'-'",
        )

    def test_the_path_is_absolute(self) -> None:
        error = self.assertRaises(ValidationError, TokenFiles.Settings, path="tokens")
        self.assertIn("must be an absolute path", str(error))


class DirectoryTests(FileCase):
    def setUp(self) -> None:
        super().setUp()
        self.path.mkdir()

    def test_all_files_are_read(self) -> None:
        self.write(f"{A}: a:1\n", self.path / "one-7")
        self.write(f"{B}: b:2\n", self.path / "one-8")
        (self.path / "below").mkdir()
        source = self.source()
        self.assertEqual([self.vm(source, A), self.vm(source, B)], ["a:1", "b:2"])

    def test_the_last_file_by_name_counts(self) -> None:
        self.write(f"{A}: b:2\n", self.path / "one-2")
        self.write(f"{A}: a:1\n", self.path / "one-1")
        self.assertEqual(self.vm(self.source(), A), "b:2")

    def test_files_come_and_go(self) -> None:
        first = self.write(f"{A}: a:1\n", self.path / "one-7")
        source = self.source()
        self.redeem(source, A)
        first.unlink()
        self.write(f"{B}: b:2\n", self.path / "one-8")
        self.assertIsNone(self.redeem(source, A))
        self.assertEqual(self.vm(source, B), "b:2")

    def test_a_file_that_is_nowhere_spoils_no_other(self) -> None:
        self.write(f"{A}: a:1\n", self.path / "one-7")
        (self.path / "zzz").symlink_to(self.path / "one-7")
        broken = self.write("", self.path / "broken")
        source = self.source()
        original = Path.open

        def refuse(path: Path, *args: Any, **kwargs: Any) -> Any:
            if path == broken:
                raise PermissionError(13, "Permission denied")
            return original(path, *args, **kwargs)

        self.patch(Path, "open", refuse)
        self.assertEqual(self.vm(source, A), "a:1")
        self.assertEqual(self.vm(source, A), "a:1")
        told = [event for event in self.events if event.get("why") == "Permission denied"]
        self.assertEqual(len(told), 1)
        self.assertIn("1 files that cannot be read", self.probe(source))


class OwnMachineTests(FileCase):
    def test_a_token_that_leads_to_this_machine_is_refused_unless_addresses_name_it(self) -> None:
        self.write(f"{A}: localhost:5901\n{B}: 10.0.0.5:5901\n")
        waiting = Deferred.fromCoroutine(self.source().redeem(A))
        error = self.failureResultOf(waiting, BackendError).value
        self.assertIn('write addresses = { "localhost" = "127.0.0.1" }', error.detail)
        found = self.redeem(self.source(addresses={"localhost": "127.0.0.1"}), A)
        assert found is not None and found.endpoint is not None
        self.assertEqual(found.endpoint.host, "127.0.0.1")

    def test_a_check_counts_them(self) -> None:
        self.write(f"{A}: 0.0.0.0:5901\n{B}: 10.0.0.5:5901\n")
        told = "1 tokens that lead to this machine itself, which addresses must name"
        self.assertIn(told, self.probe(self.source()))
        self.assertNotIn(told, self.probe(self.source(addresses={"0.0.0.0": "127.0.0.1"})))


class SameAsWebsockifyTests(FileCase):
    """What the original makes of a file, this makes of it too."""

    def test_good_lines(self) -> None:
        self.patch(token_plugins.logger, "disabled", True)
        lines = [
            f"{A}: 10.0.0.5:5901",
            f"{A}: kvm1:5901  ",
            f"  {A}:  kvm1:5901",
            f"{A}:\t[2001:db8::1]:5901",
            f"#{A}: kvm1:5901\n{A}: other:1",
            f"{A}: first:1\n{A}: last:2",
            f"{A}: unix_socket:/run/x",
            f"{A}: a:1 # why: this",
            f"{A} a:1",
            f"{A}:a:1",
        ]
        for line in lines:
            with self.subTest(line=line):
                self.write(line + "\n")
                theirs = token_plugins.TokenFile(str(self.path)).lookup(A)
                expected = theirs and ":".join(theirs)
                ours = self.redeem(self.source(), A)
                self.assertEqual(ours and ours.token.vm.vm, expected)
