"""Keys that are created by the API at one proxy, and what becomes of them at another."""

from __future__ import annotations

import hashlib
import json
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.components.cluster_case import ClusterCase
from tests.components.gateway import Gateway

MANAGER = "a-key-that-creates-keys"


class PortalKeysTests(ClusterCase):
    def setUp(self) -> None:
        super().setUp()
        digest = hashlib.sha256(MANAGER.encode()).hexdigest()
        table = f"""
            [api.keys.manager]
            hash = "sha256:{digest}"
            scopes = ["issue", "read", "keys"]
            """
        self.north, self.east = self.proxies_at_once(north=table, east=table)

    def ask(
        self, proxy: Gateway, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, Any, dict[str, str]]:
        key = headers.pop("key", MANAGER)
        request = urllib.request.Request(
            f"http://127.0.0.1:{proxy.api_port}{path}",
            None if body is None else json.dumps(body).encode(),
            {
                "Authorization": f"Bearer {key}",
                **{n.replace("_", "-"): t for n, t in headers.items()},
            },
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer), dict(answer.headers)
        except urllib.error.HTTPError as e:
            return e.code, json.load(e), dict(e.headers)

    def create(self, **changes: Any) -> dict[str, Any]:
        body = {"name": "tenant", "scopes": ["issue"], "vms": ["lab/web-*"], **changes}
        status, created, _ = self.ask(self.north, "POST", "/v1/keys", body)
        self.assertEqual(status, 201, created)
        return dict(created)

    def issue(self, proxy: Gateway, key: str, **headers: str) -> tuple[int, Any, dict[str, str]]:
        body = {"vm": "lab/web-01", "user": "alice"}
        return self.ask(proxy, "POST", "/v1/tokens", body, key=key, **headers)

    def test_from_creation_to_revocation(self) -> None:
        created = self.create()
        key = created["key"]
        self.assertEqual(self.issue(self.east, key)[0], 201)
        body = {"vm": "lab/db-01", "user": "alice"}
        self.assertEqual(self.ask(self.east, "POST", "/v1/tokens", body, key=key)[0], 403)
        racing = [self.north, self.east] * 2
        path = f"/v1/keys/{created['id']}"
        with ThreadPoolExecutor(4) as threads:
            statuses = list(threads.map(lambda p: self.ask(p, "DELETE", path)[0], racing))
        self.assertEqual(sorted(statuses), [200, 404, 404, 404])
        time.sleep(1.1)
        for proxy in (self.north, self.east):
            self.assertEqual(self.issue(proxy, key)[0], 401)
        (line,) = self.north.audit("api-key-create")
        self.assertEqual((line["key"], line["of_key"]), ("manager", "tenant"))
        self.assertNotIn(key, self.north.log() + self.east.log())

    def test_a_rate_is_one_for_both_proxies(self) -> None:
        key = self.create(requests_per_minute=60)["key"]
        answers = [self.issue(proxy, key) for proxy in (self.north, self.east) * 10]
        statuses = [status for status, _, _ in answers]
        self.assertTrue(10 <= statuses.count(201) <= 14, statuses)
        _, refusal, headers = next(each for each in answers if each[0] == 429)
        self.assertEqual(refusal["error"]["code"], "rate-limited")
        self.assertEqual(headers["Retry-After"], "1")

    def test_requests_that_race_have_one_effect_and_redis_no_secret(self) -> None:
        key = self.create()["key"]
        proxies = [self.north, self.east] * 4
        with ThreadPoolExecutor(8) as threads:
            answers = list(
                threads.map(lambda p: self.issue(p, key, Idempotency_Key="order-1"), proxies)
            )
        self.assertEqual({status for status, _, _ in answers}, {201})
        tokens = {body["token"] for _, body, _ in answers}
        self.assertEqual(len(tokens), 1)
        issued = [*self.north.audit("api-issue"), *self.east.audit("api-issue")]
        self.assertEqual(len(issued), 1)
        for name in self.redis.cli("--scan").splitlines():
            kind = self.redis.cli("type", name)
            if kind == "string":
                text = self.redis.cli("get", name)
                for secret in (*tokens, key, MANAGER):
                    self.assertNotIn(secret, text, name)

    def test_without_redis_keys_of_the_configuration_still_count(self) -> None:
        key = self.create()["key"]
        self.redis.stop()
        time.sleep(1.1)
        self.assertEqual(self.issue(self.north, key)[0], 503)
        self.assertEqual(self.ask(self.north, "GET", "/v1/vms")[0], 200)
        self.assertEqual(self.ask(self.north, "GET", "/v1/vms", key="wrong")[0], 503)

    def test_strange_requests_are_answered(self) -> None:
        for key in ("*", "[a-z]*", "x" * 9000, "%00", "..", "?"):
            self.assertEqual(self.ask(self.north, "GET", "/v1/vms", key=key)[0], 401, key)
        for name in ("X_Request_Id", "Idempotency_Key"):
            status, _, headers = self.issue(self.north, MANAGER, **{name: "x" * 9000})
            self.assertIn(status, (201, 400), name)
            self.assertEqual(len(headers["X-Request-Id"]), 16)
