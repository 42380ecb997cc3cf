from __future__ import annotations

import asyncio
import inspect
import pickle
import re
import typing
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import httpx
from twisted.trial.unittest import SynchronousTestCase

from tests import __file__ as tests_file
from tests.doubles.api import ApiTestCase, session
from tests.doubles.cli import URL, MemoryTransport
from vncproxy.api import Scope
from vncproxy.api.reply import JSON
from vncproxy.api.v1.operations import OPERATIONS
from vncproxy.client import (
    ApiError,
    AsyncClient,
    Client,
    GivenPolicy,
    Refused,
    Unreachable,
    calls,
    recording_calls,
    screen_calls,
)
from vncproxy.model import Policy

PAGE = Path(tests_file).parent.parent / "docs" / "python-client.md"
BETWEEN_PROXIES = {"hops", "running"}
"""Members of requests that proxies pass on."""

Answer = Callable[[httpx.Request], httpx.Response]


class CallTests(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.transport = MemoryTransport(self)
        self.client = Client(URL, self.key, transport=self.transport)

    def test_a_link_is_issued_shown_and_revoked(self) -> None:
        issued = self.client.issue_token("kvm/web-01", "alice", policy={"uses": 3}, ttl=60)
        shown = self.client.show_token(issued["id"])
        revoked = self.client.revoke_token(issued["id"])

        self.assertEqual(issued["url"], f"https://console.example.com/?token={issued['token']}")
        self.assertEqual((shown["uses_left"], shown["expires_at"]), (3, "2026-01-02T03:05:05Z"))
        self.assertEqual(revoked, {"revoked": 1, "ended": 0})

    def test_a_policy_has_the_members_that_the_api_takes(self) -> None:
        self.assertEqual(set(GivenPolicy.__annotations__), {each.name for each in fields(Policy)})

    def test_tokens_of_a_user_with_any_name_are_revoked(self) -> None:
        self.client.issue_token("kvm/web-01", "zoë & co?")

        self.assertEqual(self.client.revoke_tokens(user="zoë & co?")["revoked"], 1)

    def test_sessions_are_chosen_and_ended(self) -> None:
        for number, user in enumerate(("alice", "bob", "bob")):
            self.sessions.add(session(f"7f3a000{number}", user=user, token_id=f"{number}" * 64))

        page = self.client.list_sessions(user="bob", limit=1)
        ended = self.client.end_session(page["sessions"][0]["id"], revoke=True)
        rest = self.client.end_sessions(vm="kvm/web-01")

        self.assertEqual(page["sessions"][0]["id"], "7f3a0001")
        following = self.client.list_sessions(limit=1, after=page["next"])
        self.assertEqual(following, {"sessions": [], "next": None})
        self.assertEqual((ended, rest), ({"ended": 1, "revoked": 0}, {"ended": 2}))

    def test_the_mode_of_a_session_is_changed(self) -> None:
        self.sessions.add(session("7f3a0001"))

        answer = self.client.change_session("7f3a0001", "view-only")

        self.assertEqual(answer, {"mode": "view-only", "reenters": True})
        self.assertEqual(self.client.show_session("7f3a0001")["mode"], "view-only")

    def test_the_user_of_a_session_is_sent_a_message(self) -> None:
        self.sessions.add(session("7f3a0001"))

        self.assertEqual(self.client.message_session("7f3a0001", "Bye."), {"shown": True})

    def test_machines_and_proxies_are_listed(self) -> None:
        self.assertIn("kvm/db-01", [each["vm"] for each in self.client.list_machines()["vms"]])
        self.assertEqual(self.client.list_proxies(), {"proxies": [], "warnings": []})

    def test_a_refusal_has_status_code_message_and_field(self) -> None:
        with self.assertRaises(Refused) as caught:
            self.client.issue_token("kvm/gone", "alice", check=True)

        error = caught.exception
        self.assertEqual((error.status, error.code, error.field), (422, "vm-not-found", "vm"))
        self.assertEqual(error.message, "the backend 'kvm' has no machine 'gone'")
        self.assertEqual(str(error), f"vm: {error.message}")
        self.assertIsInstance(error, ApiError)

    def test_a_name_cannot_leave_its_place_in_the_path(self) -> None:
        for ask in (self.client.show_token, self.client.show_session, self.client.drain_proxy):
            with self.assertRaises(Refused):
                ask("../x?y")

        paths = [path for _, path in self.transport.requests]
        self.assertEqual(len({path.count("/") for path in paths} - {3, 4}), 0, paths)
        self.assertTrue(all("..%2Fx%3Fy" in path for path in paths), paths)

    def test_a_path_of_the_url_is_kept(self) -> None:
        client = Client(f"{URL}/console/api/", self.key, transport=self.transport)

        with self.assertRaises(Refused):
            client.list_machines()

        self.assertEqual(self.transport.requests, [("GET", "/console/api/v1/vms")])

    def test_a_key_is_created_with_no_more_than_is_given(self) -> None:
        self.key = self.key_with(Scope.ADMIN, Scope.KEYS)
        client = Client(URL, self.key, transport=self.transport)

        created = client.create_key("mine", ["issue"], vms=["kvm/web-*"])
        listed = client.list_keys()["keys"]
        nothing = client.create_key("nothing", ["issue"], backends=[])

        self.assertEqual((created["vms"], created["scopes"]), (["kvm/web-*"], ["issue"]))
        self.assertIn(created["id"], [each["id"] for each in listed])
        self.assertEqual((created["backends"], nothing["backends"]), (["*"], []))
        self.assertEqual(client.revoke_key(created["id"]), {"revoked": 1})

    def test_a_request_that_is_sent_again_issues_one_token(self) -> None:
        first, second, other = (
            self.client.issue_token("kvm/web-01", "alice", idempotency_key=key)
            for key in ("one", "one", "two")
        )

        self.assertEqual(first, second)
        self.assertNotEqual(first["id"], other["id"])


class FailureTests(SynchronousTestCase):
    def failure(self, answer: Answer) -> str:
        with Client(URL, "key", transport=httpx.MockTransport(answer)) as client:
            error = self.assertRaises(Unreachable, client.list_machines)
        assert error is not None
        return str(error)

    def test_what_is_not_the_api_is_recognised(self) -> None:
        wrong = f"what answers at {URL} is not vncproxy's API (HTTP status "
        for status, text in (
            (200, "<html>"),
            (404, "{}"),
            (502, '{"error": "bad gateway"}'),
            (302, ""),
            (400, "[]"),
        ):
            failure = self.failure(lambda _, s=status, t=text: httpx.Response(s, text=t))  # type: ignore[misc]

            self.assertEqual(failure, f"{wrong}{status})")

    def test_a_redirect_is_not_followed_with_the_key(self) -> None:
        asked: list[str] = []

        def redirect(request: httpx.Request) -> httpx.Response:
            asked.append(str(request.url))
            return httpx.Response(307, headers={"Location": "http://elsewhere.example/"})

        self.failure(redirect)

        self.assertEqual(asked, [f"{URL}/v1/vms"])

    def test_proxies_of_the_environment_are_not_used(self) -> None:
        self.patch(httpx.Client, "_get_proxy_map", self.proxies_of)

        with Client(URL, "key"):
            self.assertEqual(self.allowed, [False])

    def proxies_of(self, proxy: object, allow_env_proxies: bool) -> dict[str, None]:
        self.allowed = [allow_env_proxies]
        return {}


class RefusalTests(SynchronousTestCase):
    def refused(self, **headers: str) -> Refused:
        error = {"code": "rate-limited", "message": "too many", "field": None}

        def answer(_: httpx.Request) -> httpx.Response:
            return httpx.Response(429, json={"error": error}, headers=headers)

        with Client(URL, "key", transport=httpx.MockTransport(answer)) as client:
            refused: Refused | None = self.assertRaises(Refused, client.list_machines)
        assert refused is not None
        return refused

    def test_it_says_when_to_try_again_and_where_to_look(self) -> None:
        refused = self.refused(**{"Retry-After": "7", "X-Request-Id": "7f3a0001"})

        self.assertEqual((refused.retry_after, refused.request_id), (7, "7f3a0001"))

    def test_it_passes_from_process_to_process(self) -> None:
        refused = self.refused(**{"Retry-After": "7"})
        copied = pickle.loads(pickle.dumps(refused))

        self.assertEqual((str(copied), vars(copied)), (str(refused), vars(refused)))

    def test_what_is_not_said_is_not_known(self) -> None:
        for headers in (
            {},
            {"Retry-After": "Sat, 28 Nov 2026 20:00:00 GMT"},
            {"Retry-After": "soon"},
        ):
            refused = self.refused(**headers)

            self.assertEqual((refused.retry_after, refused.request_id), (None, ""))


class KeyTests(SynchronousTestCase):
    def test_the_line_of_a_file_is_taken_without_its_end(self) -> None:
        sent: list[str] = []

        def answer(request: httpx.Request) -> httpx.Response:
            sent.append(request.headers["Authorization"])
            return httpx.Response(200, json={})

        with Client(URL, " s3cret\n", transport=httpx.MockTransport(answer)) as client:
            client.list_machines()

        self.assertEqual(sent, ["Bearer s3cret"])

    def test_headers_of_the_portal_are_sent_beside_it(self) -> None:
        sent: list[httpx.Headers] = []

        def answer(request: httpx.Request) -> httpx.Response:
            sent.append(request.headers)
            return httpx.Response(200, json={})

        more = {"X-Portal": "1", "Authorization": "none"}
        transport = httpx.MockTransport(answer)
        with Client(URL, "s3cret", headers=more, transport=transport) as client:
            client.list_machines()

        self.assertEqual((sent[0]["X-Portal"], sent[0]["Authorization"]), ("1", "Bearer s3cret"))

    def test_an_invalid_one_is_refused_without_being_shown(self) -> None:
        for key in ("", "\n", "s3cret\nX: y", "s3crét", "s3cret\0"):
            for kind in (Client, AsyncClient):
                error = self.assertRaises(ValueError, kind, URL, key)
                self.assertNotIn("s3cr", f"{error!r} {vars(error)}")


class AsyncTests(SynchronousTestCase):
    def test_the_same_is_asked_and_answered(self) -> None:
        sent: list[tuple[str, str, bytes]] = []

        def answer(request: httpx.Request) -> httpx.Response:
            sent.append((request.method, str(request.url), request.read()))
            return httpx.Response(201, json={"url": "https://console.example.com/?token=t"})

        async def ask() -> str:
            async with AsyncClient(URL, "key", transport=httpx.MockTransport(answer)) as client:
                return (await client.issue_token("kvm/web-01", "alice"))["url"]

        self.assertEqual(asyncio.run(ask()), "https://console.example.com/?token=t")
        body = b'{"vm":"kvm/web-01","user":"alice","type":"novnc"}'
        self.assertEqual(sent, [("POST", f"{URL}/v1/tokens", body)])


class CompletenessTests(SynchronousTestCase):
    def test_every_operation_for_keys_has_a_method_with_all_of_its_parameters(self) -> None:
        for operation in OPERATIONS:
            if operation.scopes and operation.media_type == JSON:
                method = getattr(Client, re.sub("([A-Z])", r"_\1", operation.name).lower())
                names = set(inspect.signature(method).parameters)
                wanted = {each.name for each in operation.query}
                wanted |= set(operation.body.model_fields) if operation.body else set()
                self.assertEqual(wanted - names - BETWEEN_PROXIES, set(), operation.name)
                self.assertEqual(
                    typing.get_type_hints(method)["return"].__args__[0], operation.answer
                )

    def test_the_page_names_every_method_with_its_arguments(self) -> None:
        rows = re.findall(r"^\| (`\w+\(.*`) \|", PAGE.read_text(), re.MULTILINE)
        told = dict(re.findall(r"`(\w+)\(([^`]*)\)`", " ".join(rows)))
        made = {*vars(calls), *vars(recording_calls), *vars(screen_calls)}
        methods = [name for name in made if not name.startswith("_") and name in dir(Client)]
        self.assertEqual(set(methods), set(told))
        for name in methods:
            taken = inspect.signature(getattr(Client, name)).parameters
            for each in told[name].replace("=", "").split(", "):
                self.assertIn(each, ["", *taken], name)
