"""The servers of one cloud: which is asked, what their errors become, and that no secret leaks."""

from __future__ import annotations

import time
import traceback
from typing import Any
from xmlrpc.client import Fault, dumps

from twisted.internet.defer import Deferred

from tests.components.fake_oned import (
    ACTION,
    AUTHORIZATION,
    INTERNAL,
    RPC_API,
    VM,
    FakeOned,
    Refusal,
    User,
)
from tests.doubles.opennebula import HOME, SESSION, OpenNebulaCase
from vncproxy.backends.opennebula.backend import OpenNebulaBackend
from vncproxy.backends.opennebula.connection import FrontEnd
from vncproxy.backends.opennebula.errors import Unanswered
from vncproxy.errors import BackendError

SECOND, THIRD = "http://one2.example.com:2633/RPC2", "http://one3.example.com:2633/RPC2"


class FrontEndCase(OpenNebulaCase):
    def setUp(self) -> None:
        super().setUp()
        self.second = FakeOned()
        self.internet.daemons[SECOND] = self.second
        for oned in (self.oned, self.second):
            oned.add(VM(7))


class ServersTests(FrontEndCase):
    def test_the_endpoint_is_asked_first_and_alone(self) -> None:
        self.located(servers=[SECOND])
        self.assertEqual(self.internet.asked, [HOME])

    def test_a_dead_one_is_passed_over_and_asked_first_again_the_next_time(self) -> None:
        backend = self.backend(servers=[SECOND])
        del self.internet.daemons[HOME]
        self.result(backend.locate("7"))
        self.internet.daemons[HOME] = self.oned
        self.second.vms[7].graphics = {"TYPE": "VNC", "PORT": 6001}
        found: Any = self.result(backend.locate("7"))
        self.assertEqual(self.internet.asked, [HOME, SECOND, HOME])
        self.assertEqual(found.port, 5907, "a follower that was cut off is out of date")

    def test_an_internal_error_is_asked_at_another(self) -> None:
        self.oned.failure = Refusal(INTERNAL, "out of memory")
        self.assertEqual(self.located(servers=[SECOND]).port, 5907)

    def test_a_refusal_counts_wherever_it_is_made(self) -> None:
        self.oned.failure = Refusal(AUTHORIZATION, "Not authorized")
        self.failure(BackendError, servers=[SECOND])
        self.assertEqual(self.internet.asked, [HOME])

    def test_when_none_answers_all_are_named_with_why(self) -> None:
        del self.internet.daemons[HOME]
        self.second.failure = Refusal(INTERNAL, "zone disabled")
        error = self.failure(BackendError, servers=[SECOND])
        self.assertEqual(
            error.detail,
            f"{HOME}: Connection refused; {SECOND}: vm.info: [one.vm.info] zone disabled",
        )
        self.assertEqual(
            error.sentence("7f3a"),
            "The virtual machine could not be looked up. Ask your administrator, id 7f3a.",
        )

    def test_each_gets_its_share_of_the_time(self) -> None:
        self.internet.daemons.clear()
        self.failure(BackendError, servers=[SECOND, THIRD], timeout=9)
        for seconds, share in zip(self.internet.seconds, (2.7, 4.05, 8.1), strict=True):
            self.assertAlmostEqual(seconds, share, places=1)

    def test_no_time_left_is_told(self) -> None:
        front_end = FrontEnd([HOME], SESSION, self.internet)
        with self.assertRaises(BackendError) as caught:
            front_end.call(time.monotonic(), "vm.info", 7)
        self.assertEqual(caught.exception.detail, f"{HOME}: no time left to ask")


class RefusalTests(FrontEndCase):
    def test_every_refusal_is_final(self) -> None:
        failures: list[Refusal | Fault] = [
            *(Refusal(code, "no") for code in (AUTHORIZATION, ACTION, RPC_API)),
            Fault(-501, "Probably not the right number of parameters"),
        ]
        for failure in failures:
            self.oned.calls.clear()
            self.oned.failure = failure
            self.failure(BackendError, servers=[SECOND])
            self.assertEqual(self.oned.calls, ["one.vm.info"])
            self.assertEqual(self.second.calls, [])

    def test_a_server_that_ignores_decrypt_is_asked_once(self) -> None:
        self.oned.knows_decrypt = False
        self.located()
        self.assertEqual(self.oned.calls, ["one.vm.info"])


class UnreadableTests(FrontEndCase):
    def answering(self, body: bytes) -> str:
        self.patch(self.oned, "answer", lambda _body: body)
        return self.failure(BackendError).detail

    def test_what_is_no_xmlrpc_is_told(self) -> None:
        for body in (b"", b"<html>", b"hello", dumps((7,), methodresponse=True).encode()):
            self.assertIn("its answer to vm.info cannot be understood", self.answering(body))

    def test_a_document_that_is_broken_is_told(self) -> None:
        for xml in ("", "<VM>", "<VM><ID>x</ID></VM>"):
            body = dumps(([True, xml, 0],), methodresponse=True).encode()
            self.assertIn("its answer to vm.info cannot be understood", self.answering(body))

    def test_a_document_of_another_kind_is_told(self) -> None:
        for document in (5, "nonsense", "<VM><ID>7</ID></VM>"):
            body = dumps(([True, document, 0],), methodresponse=True).encode()
            self.patch(self.oned, "answer", lambda _body, body=body: body)
            for question in (OpenNebulaBackend.list, OpenNebulaBackend.probe):
                answer = Deferred.fromCoroutine(question(self.backend()))
                error = self.failureResultOf(answer, BackendError).value
                self.assertIn("cannot be understood", error.detail)

    def test_a_number_that_is_none_is_told(self) -> None:
        body = b"<methodResponse><params><param><value><int>x</int></value></param></params>"
        self.assertIn("cannot be understood", self.answering(body + b"</methodResponse>"))

    def test_a_machine_without_a_number_is_left_out_of_the_list(self) -> None:
        pool = "<VM_POOL><VM><NAME>x</NAME></VM><VM/></VM_POOL>"
        body = dumps(([True, pool, 0],), methodresponse=True).encode()
        self.patch(self.oned, "answer", lambda _body: body)
        self.assertEqual(self.result(self.backend().list()), [])


class SecretTests(FrontEndCase):
    def spoiled(self, message: str) -> str:
        """Let a daemon fail that repeats its input in the error; returns all that can be logged."""
        self.oned.failure = Refusal(RPC_API, message)
        answer = Deferred.fromCoroutine(self.backend().locate("7"))
        failure = self.failureResultOf(answer, BackendError)
        error = failure.value
        logged = [failure.getTraceback(), *traceback.format_exception(error), repr(error)]
        return "".join(logged)

    def test_a_message_that_repeats_the_session_is_cleaned(self) -> None:
        said = self.spoiled(f'wrong parameters: ("{SESSION}", 7, true)')
        self.assertNotIn('opennebula"', said)
        self.assertNotIn(SESSION, said)
        self.assertIn('("…", 7, true)', said)

    def test_so_is_one_with_the_password_alone_and_one_of_many_lines(self) -> None:
        self.oned.users["oneadmin"] = User(0, "0Xx-secret", admin=True)
        self.oned.failure = Refusal(RPC_API, "password 0Xx-secret\n\x7fis " + "x" * 999)
        error = self.failure(BackendError, session="oneadmin:0Xx-secret")
        self.assertIn("password … is xxx", error.detail)
        self.assertLess(len(error.detail), 500)

    def test_a_password_with_a_colon_is_cut_nowhere(self) -> None:
        self.oned.users["oneadmin"] = User(0, "hunter:2", admin=True)
        self.oned.failure = Refusal(AUTHORIZATION, 'for "hunter:2"')
        error = self.failure(BackendError, session="oneadmin:hunter:2")
        self.assertIn('as oneadmin: [one.vm.info] for "…"', error.detail)
        self.assertNotIn("hunter", error.detail)

    def test_the_front_end_shows_its_url_alone(self) -> None:
        front_end = FrontEnd([HOME], SESSION, self.internet)
        self.assertEqual(str(front_end), HOME)
        self.assertNotIn(SESSION, repr(front_end))


class ProbeTests(FrontEndCase):
    def line(self, **table: object) -> str:
        return self.result(self.backend(**table).probe())

    def problem(self, **table: object) -> str:
        answer: Any = Deferred.fromCoroutine(self.backend(**table).probe())
        return str(self.failureResultOf(answer, BackendError).value)

    def test_version_and_account(self) -> None:
        secure = "https://one.example.com/RPC2"
        self.internet.daemons[secure] = self.oned
        self.assertEqual(self.line(endpoint=secure), f"OpenNebula 6.10.0 at {secure}, as oneadmin")

    def test_an_account_that_may_not_decrypt_is_told(self) -> None:
        self.oned.users["console"] = User(5, "pw-of-console")
        self.assertIn(
            "as console, not of the group oneadmin", self.line(session="console:pw-of-console")
        )

    def test_each_server_is_asked_and_the_silent_ones_are_named(self) -> None:
        line = self.line(servers=[SECOND, THIRD])
        self.assertEqual(self.internet.asked[:3], [HOME, SECOND, THIRD])
        self.assertIn(f"; {THIRD}: Connection refused", line)
        self.assertNotIn(f"; {SECOND}:", line)

    def test_no_server_at_all(self) -> None:
        self.internet.daemons.clear()
        self.assertEqual(self.problem(), f"{HOME}: Connection refused")

    def test_a_wrong_password(self) -> None:
        text = self.problem(session="oneadmin:guessed-wrong")
        self.assertIn("as oneadmin: [one.system.version] User couldn't be authenticated", text)
        self.assertNotIn("guessed-wrong", text)

    def test_unanswered_is_an_error_of_the_backend(self) -> None:
        self.assertTrue(issubclass(Unanswered, BackendError))
