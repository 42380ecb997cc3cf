"""Consoles from a table: addresses, the file that changes, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from vncproxy.backends.static.backend import StaticBackend
from vncproxy.backends.static.settings import StaticSettings
from vncproxy.errors import BackendError, VMNotFound
from vncproxy.interfaces import IBlockingCalls, IConsoleBackend, IKnowsConsoles, IVMInventory
from vncproxy.model import ConsoleEndpoint, RFBSecurity, Transport, VMAddress, VMSummary
from vncproxy.testing import FakeCalls, backend_context

T = TypeVar("T")

WEB = '[web]\naddress = "10.0.0.5:5901"\n'
DB = '[db]\naddress = "10.0.0.5:5902"\n'


class StaticCase(SynchronousTestCase):
    """Makes backends and waits for their answers."""

    def backend(self, **table: object) -> StaticBackend:
        return StaticBackend(
            backend_context(StaticSettings.model_validate(table), FakeCalls(), "lab")
        )

    def result(self, answer: Coroutine[Any, Any, T]) -> T:
        return self.successResultOf(Deferred.fromCoroutine(answer))

    def located(self, address: str, **console: object) -> ConsoleEndpoint:
        backend = self.backend(consoles={"web": {"address": address, **console}})
        return self.result(backend.locate("web"))

    def problem(self, answer: Coroutine[Any, Any, object]) -> str:
        return str(self.failureResultOf(Deferred.fromCoroutine(answer), BackendError).value)


class InterfaceTests(StaticCase):
    def test_it_is_a_backend_with_an_inventory(self) -> None:
        backend = self.backend(consoles={"web": {"address": "h:1"}})
        self.assertTrue(verifyObject(IConsoleBackend, backend))
        self.assertTrue(verifyObject(IVMInventory, backend))

    def test_the_calls_of_these_tests_are_blocking_calls(self) -> None:
        self.assertTrue(verifyObject(IBlockingCalls, FakeCalls()))


class AddressTests(StaticCase):
    def test_host_and_port(self) -> None:
        endpoint = self.located("hv1.example.com:5901")
        self.assertEqual(str(endpoint), "tcp:hv1.example.com:5901")

    def test_ipv6_address_in_brackets(self) -> None:
        endpoint = self.located("[2001:db8::5]:5901")
        self.assertEqual((endpoint.host, endpoint.port), ("2001:db8::5", 5901))

    def test_unix_socket(self) -> None:
        endpoint = self.located("unix:/run/vm/web.sock")
        self.assertEqual((endpoint.transport, endpoint.path), (Transport.UNIX, "/run/vm/web.sock"))

    def test_anything_else_is_refused_with_what_is_allowed(self) -> None:
        for wrong in ("host", "host:0", "host:65536", "::1:5901", "[host]:1", "unix:x", ":1", 7):
            with self.subTest(wrong), self.assertRaises(ValidationError) as caught:
                StaticSettings.model_validate({"consoles": {"web": {"address": wrong}}})
            self.assertIn('"host:port"', str(caught.exception))


class LocateTests(StaticCase):
    def test_password_goes_into_the_rfb_handshake(self) -> None:
        endpoint = self.located("h:1", password="s3cret")
        self.assertEqual(endpoint.handshakes, (RFBSecurity("s3cret"),))

    def test_no_password_and_an_empty_one_offer_none(self) -> None:
        self.assertEqual(self.located("h:1").handshakes, (RFBSecurity(None),))
        self.assertEqual(self.located("h:1", password="").handshakes, (RFBSecurity(None),))

    def test_name_is_shown(self) -> None:
        self.assertEqual(self.located("h:1", name="Web server").name, "Web server")

    def test_unknown_console_is_not_found(self) -> None:
        backend = self.backend(consoles={"web": {"address": "h:1"}})
        self.failureResultOf(Deferred.fromCoroutine(backend.locate("db")), VMNotFound)


class SettingsTests(StaticCase):
    def refused(self, **table: object) -> str:
        with self.assertRaises(ValidationError) as caught:
            StaticSettings.model_validate(table)
        return str(caught.exception)

    def test_neither_consoles_nor_file_is_refused(self) -> None:
        self.assertIn("needs consoles = { … }, file = …, or both", self.refused())

    def test_relative_file_is_refused(self) -> None:
        self.assertIn("must be an absolute path", self.refused(file="consoles.toml"))

    def test_unknown_key_is_refused(self) -> None:
        self.assertIn("consoles.web.port", self.refused(consoles={"web": {"port": 1}}))

    def test_a_password_never_stands_in_an_error_or_a_repr(self) -> None:
        text = self.refused(consoles={"web": {"address": 1, "password": "s3cret"}})
        self.assertNotIn("s3cret", text)
        web = {"address": "h:1", "password": "s3cret"}
        settings = StaticSettings.model_validate({"consoles": {"web": web}})
        self.assertNotIn("s3cret", repr(settings))


class FileCase(StaticCase):
    """A backend that reads a file."""

    def setUp(self) -> None:
        super().setUp()
        self.path = Path(self.mktemp()).absolute()
        self.path.write_text(WEB)
        self.from_file = self.backend(file=self.path)

    def port(self, vm: str) -> int:
        return self.result(self.from_file.locate(vm)).port


class FileTests(FileCase):
    def test_consoles_are_read_from_the_file(self) -> None:
        self.assertEqual(self.port("web"), 5901)

    def test_a_change_is_seen_by_the_next_call(self) -> None:
        self.port("web")
        self.path.write_text(WEB + DB)
        self.assertEqual(self.port("db"), 5902)

    def test_a_file_put_in_its_place_is_seen(self) -> None:
        self.port("web")
        other = Path(self.mktemp())
        other.write_text(WEB.replace("5901", "5999"))
        other.rename(self.path)
        self.assertEqual(self.port("web"), 5999)

    def test_a_console_taken_out_is_not_found(self) -> None:
        self.port("web")
        self.path.write_text(DB)
        self.failureResultOf(Deferred.fromCoroutine(self.from_file.locate("web")), VMNotFound)

    def test_an_unchanged_file_is_not_read_again(self) -> None:
        self.port("web")
        self.path.chmod(0)
        self.patch(Path, "open", lambda *_args: self.fail("read again"))
        self.assertEqual(self.port("web"), 5901)

    def test_a_console_of_the_configuration_goes_before_one_of_the_file(self) -> None:
        both = self.backend(file=self.path, consoles={"web": {"address": "h:1"}})
        self.assertEqual(self.result(both.locate("web")).port, 1)

    def test_list_has_the_consoles_of_both(self) -> None:
        db = {"address": "h:1", "name": "Database"}
        both = self.backend(file=self.path, consoles={"db": db})
        self.assertEqual(
            self.result(both.list()),
            [
                VMSummary(VMAddress("lab", "db"), "Database", "not known"),
                VMSummary(VMAddress("lab", "web"), "web", "not known"),
            ],
        )

    def test_probe_counts_and_names_the_file(self) -> None:
        line = self.result(self.from_file.probe())
        self.assertEqual(line, f"1 console, with those of {self.path}")

    def test_a_check_gets_the_consoles_of_both_with_what_to_log_in_with(self) -> None:
        both = self.backend(
            file=self.path, consoles={"db": {"address": "unix:/run/vm.sock", "password": "s3cret"}}
        )
        self.assertTrue(verifyObject(IKnowsConsoles, both))
        consoles = self.result(both.consoles())
        self.assertEqual([*sorted(consoles)], ["db", "web"])
        self.assertEqual(consoles["db"].path, "/run/vm.sock")
        self.assertEqual(consoles["db"].handshakes, (RFBSecurity("s3cret"),))


class BrokenFileTests(FileCase):
    def setUp(self) -> None:
        super().setUp()
        self.logged = self.enterContext(capturedLogs())

    def problems(self) -> list[str]:
        return [str(each["problem"]) for each in self.logged if "problem" in each]

    def test_the_last_good_version_stays_in_use_and_the_problem_is_logged_once(self) -> None:
        self.port("web")
        self.path.write_text(WEB + "[db\n")
        self.assertEqual((self.port("web"), self.port("web")), (5901, 5901))
        self.assertEqual(len(self.problems()), 1)
        self.assertIn("line 3", self.problems()[0])

    def test_the_next_good_version_is_taken_and_a_new_problem_is_logged_again(self) -> None:
        self.port("web")
        for text in ("[db", DB, "[db"):
            self.path.write_text(text)
            self.result(self.from_file.list())
        self.assertEqual(len(self.problems()), 2)
        self.assertEqual(self.port("db"), 5902)

    def test_a_file_that_vanishes_keeps_the_last_good_version(self) -> None:
        self.port("web")
        self.path.unlink()
        self.assertEqual(self.port("web"), 5901)
        self.assertIn("No such file", self.problems()[0])

    def test_probe_tells_of_the_problem(self) -> None:
        self.port("web")
        self.path.unlink()
        self.assertIn("No such file", self.result(self.from_file.probe()))

    def test_a_file_that_never_was_good_is_an_error_that_names_it(self) -> None:
        self.path.unlink()
        problem = self.problem(self.from_file.locate("web"))
        self.assertEqual(problem, f"{self.path}: No such file or directory")

    def test_what_is_wrong_is_told_with_the_key(self) -> None:
        for text, words in {
            '[web]\naddress = "h"': 'web.address: must be "host:port"',
            "[web]\n": "web.address: is missing",
            WEB + "port = 1": (
                "web.port: unknown key; allowed are address, password, username, tls, "
                "anonymous_tls, name"
            ),
            "web = 1": "web: must be a table",
            WEB + "password = 7": "web.password: must be a string",
            WEB + "name = 7": "web.name: Input should be a valid string",
        }.items():
            with self.subTest(text):
                self.path.write_text(text)
                self.assertIn(words, self.problem(self.backend(file=self.path).locate("web")))

    def test_a_file_that_is_not_utf8_is_told(self) -> None:
        self.path.write_bytes(b"[web]\naddress = '\xff'")
        self.assertIn("not UTF-8 text", self.problem(self.from_file.locate("web")))

    def test_a_password_never_stands_in_the_problem(self) -> None:
        self.path.write_text('[web]\naddress = 1\npassword = "s3cret"')
        self.assertNotIn("s3cret", self.problem(self.from_file.locate("web")))
