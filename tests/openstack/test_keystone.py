"""What Keystone answers about tokens, and every way in which it does not."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from vncproxy.config.cloud import CloudSettings
from vncproxy.errors import BackendError, ConfigurationError, KeystoneUnavailable
from vncproxy.interfaces import IHasWarnings
from vncproxy.openstack import cloud
from vncproxy.openstack.keystone import Keystone, KeystoneToken
from vncproxy.testing import FakeCalls

TOKEN = "gAAAAABrCzWX8mn7"
ANSWER: dict[str, Any] = {
    "methods": ["password"],
    "user": {
        "domain": {"id": "default", "name": "Default"},
        "id": "5f03",
        "name": "alice",
        "password_expires_at": None,
    },
    "audit_ids": ["Ou1xKpZISDWgNkz-PzX-dw"],
    "expires_at": "2026-11-28T21:12:07.000000Z",
    "issued_at": "2026-11-28T20:12:07.000000Z",
    "project": {"domain": {"id": "default", "name": "Default"}, "id": "f20d", "name": "web"},
    "is_domain": False,
    "roles": [{"id": "b2c3", "name": "Member"}, {"id": "236a", "name": "reader"}],
}
"""As Keystone 30 says it."""


def settings(**changes: Any) -> CloudSettings:
    keys = {
        "auth_url": "https://keystone.example.com/v3",
        "username": "vncproxy",
        "password": "horse",
        "project_name": "service",
    }
    return CloudSettings.model_validate({**keys, **changes})


class Response:
    """An answer as the HTTP library has it."""

    def __init__(self, status: int, body: object) -> None:
        self.status_code = status
        self._body = body

    def json(self) -> object:
        if isinstance(self._body, Exception):
            raise self._body
        return self._body

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            error = OSError(f"{self.status_code} for url: https://keystone/{TOKEN}")
            error.response = self  # type: ignore[attr-defined]
            raise error


class KeystoneCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.keystone = Keystone(settings(), FakeCalls())
        self.answer: object = Response(200, {"token": ANSWER})
        self.patch(self.keystone, "_get", self.get)

    def get(self, token: str) -> object:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def looked_up(self) -> Deferred[KeystoneToken | None]:
        return Deferred.fromCoroutine(_await(self.keystone.look_up(TOKEN)))

    def failure(self, answer: object) -> str:
        self.answer = answer
        error = self.failureResultOf(self.looked_up(), KeystoneUnavailable).value
        self.assertNotIn(TOKEN, repr(error))
        self.assertIsNone(error.__cause__)
        return str(error)


class LookUpTests(KeystoneCase):
    def test_a_valid_token(self) -> None:
        token = self.successResultOf(self.looked_up())

        assert token is not None and token.project is not None
        self.assertEqual((token.user.id, token.user.domain.name), ("5f03", "Default"))
        self.assertEqual((token.project.id, token.project.name), ("f20d", "web"))
        self.assertEqual(token.role_names, {"member", "reader"})
        self.assertEqual(token.expires_at.timestamp(), 1_795_900_327.0)

    def test_a_token_without_a_project(self) -> None:
        unscoped = {key: ANSWER[key] for key in ("user", "expires_at")}
        self.answer = Response(200, {"token": unscoped})
        token = self.successResultOf(self.looked_up())
        assert token is not None
        self.assertEqual((token.project, token.role_names), (None, frozenset()))

    def test_a_token_that_keystone_does_not_know(self) -> None:
        self.answer = Response(404, {"error": {"code": 404, "message": "x", "title": "Not Found"}})
        self.assertIsNone(self.successResultOf(self.looked_up()))

    def test_a_404_of_another_server_says_nothing_about_the_token(self) -> None:
        for body in (ValueError("no JSON"), {}, {"error": "x"}, {"error": {"code": None}}, [1]):
            with self.subTest(body=body):
                self.assertIn("OSError: 404", self.failure(Response(404, body)))

    def test_what_keystone_says_about_our_own_account(self) -> None:
        self.assertIn("refuses the log-in", self.failure(Response(401, {})))
        self.assertIn("needs the role service", self.failure(Response(403, {})))
        unauthorized = OSError("x")
        unauthorized.http_status = 401  # type: ignore[attr-defined]
        self.assertIn("refuses the log-in", self.failure(unauthorized))

    def test_a_failure_is_told_without_the_token(self) -> None:
        error = OSError(f"cannot reach http://fred:horse@proxy/{TOKEN}\nmore")
        expected = "https://keystone.example.com/v3: OSError: cannot reach http://…@proxy/TOKEN"
        self.assertEqual(self.failure(error), expected)

    def test_an_answer_that_cannot_be_understood(self) -> None:
        for missing in ("user", "expires_at"):
            answer = {key: value for key, value in ANSWER.items() if key != missing}
            self.assertIn(missing, self.failure(Response(200, {"token": answer})))
        self.assertIn("KeyError", self.failure(Response(200, {})))
        nameless = {**ANSWER, "project": {"id": "", "domain": {"id": "d"}}}
        self.assertIn("project.id", self.failure(Response(200, {"token": nameless})))

    def test_no_answer_in_time(self) -> None:
        class Slow(FakeCalls):
            def call(self, *_: Any, **__: Any) -> Deferred[Any]:
                return fail(BackendError("keystone did not answer within 8 s"))

        keystone = Keystone(settings(), Slow())
        waiting = Deferred.fromCoroutine(_await(keystone.look_up(TOKEN)))
        error = self.failureResultOf(waiting, KeystoneUnavailable).value
        self.assertIn("did not answer within 8 s", str(error))


class ComponentTests(KeystoneCase):
    def test_it_keeps_the_interface(self) -> None:
        self.assertTrue(verifyObject(IHasWarnings, self.keystone))
        self.successResultOf(Deferred.fromCoroutine(_await(self.keystone.close())))

    def test_a_probe_asks_for_a_token_that_does_not_exist(self) -> None:
        self.answer = Response(404, {"error": {"code": 404}})
        line = self.successResultOf(Deferred.fromCoroutine(_await(self.keystone.probe())))
        self.assertEqual(line, "keystone of https://keystone.example.com/v3 answers")

    def test_a_password_in_clear_text_is_warned_of(self) -> None:
        self.assertEqual(self.keystone.warnings(), [])
        plain = Keystone(settings(auth_url="http://keystone.example.com/v3"), FakeCalls())
        self.assertIn("use https", plain.warnings()[0])

    def test_without_the_sdk_one_sentence_says_what_to_install(self) -> None:
        self.patch(cloud, "find_spec", lambda _name: None)
        error = self.assertRaises(ConfigurationError, Keystone, settings(), FakeCalls())
        self.assertIn("[keystone] needs the OpenStack SDK", error.detail)


async def _await(answer: Awaitable[Any]) -> Any:
    return await answer
