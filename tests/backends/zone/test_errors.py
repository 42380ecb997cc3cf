"""What a zone answers, as errors."""

from __future__ import annotations

import json

from OpenSSL import SSL
from twisted.internet.defer import TimeoutError  # noqa: A004
from twisted.internet.error import ConnectionRefusedError  # noqa: A004
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import ResponseNeverReceived

from vncproxy.backends.zone.errors import refused, unreachable
from vncproxy.errors import (
    VMNotFound,
    VNCProxyError,
    ZoneClock,
    ZoneDraining,
    ZoneError,
    ZoneHopLimit,
    ZoneUnreachable,
    ZoneUntrusted,
)


def body(code: str, message: str = "why") -> bytes:
    return json.dumps({"error": {"code": code, "message": message, "field": None}}).encode()


class RefusedTests(SynchronousTestCase):
    def assertError(self, error: VNCProxyError, kind: type[VNCProxyError], sentence: str) -> None:
        self.assertIs(type(error), kind)
        self.assertEqual(error.sentence(), sentence)

    def test_the_codes_of_zones(self) -> None:
        error = refused("madrid", 403, body("zone-hop-limit", "a -> b: 2 borders"))
        sentence = "The console is more zones away than the zone madrid allows."
        self.assertError(error, ZoneHopLimit, sentence)
        self.assertIn("a -> b: 2 borders", error.detail)
        self.assertIs(type(refused("madrid", 403, body("zone-clock"))), ZoneClock)

    def test_a_machine_that_is_not_there(self) -> None:
        sentence = "The zone madrid has no such virtual machine."
        self.assertError(refused("madrid", 404, body("vm-not-found")), VMNotFound, sentence)

    def test_a_zone_that_is_busy(self) -> None:
        sentence = "The zone madrid takes no new consoles at the moment. Try again in a moment."
        self.assertError(refused("madrid", 503, body("store-unavailable")), ZoneDraining, sentence)

    def test_what_is_no_answer_of_the_api(self) -> None:
        for content in (b"<html>not here", b"[]", b'{"error": 5}', b"", b'{"error": {}}'):
            error = refused("madrid", 404, content)
            self.assertError(error, ZoneError, "The zone madrid could not show the console.")
            self.assertIn("no answer of vncproxy's API", error.detail)

    def test_messages_of_other_zones_are_printable_and_short(self) -> None:
        error = refused("madrid", 403, body("zone-loop", "\x1b[2J" + "x" * 5000))
        self.assertNotIn("\x1b", error.detail)
        self.assertLess(len(error.detail), 500)


class UnreachableTests(SynchronousTestCase):
    def error(self, cause: Exception, problem: str = "") -> VNCProxyError:
        return unreachable("madrid", "https://m:6443", cause, 5.0, problem)

    def test_nothing_answers(self) -> None:
        for cause in (ConnectionRefusedError(), TimeoutError(), OSError("no route")):
            error = self.error(cause)
            self.assertIs(type(error), ZoneUnreachable)
            self.assertEqual(error.sentence(), "The zone madrid cannot be reached.")
            self.assertIn("https://m:6443", error.detail)

    def test_a_certificate_that_is_not_trusted(self) -> None:
        broken = ResponseNeverReceived([Failure(SSL.Error([("", "", "failed")]))])
        error = self.error(broken, "its authority is not trusted")
        self.assertIs(type(error), ZoneUntrusted)
        self.assertEqual(error.sentence(), "The zone madrid could not prove its identity.")
        self.assertIn("its authority is not trusted", error.detail)
