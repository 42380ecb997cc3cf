"""Two real proxies and a real Redis: their sessions are seen and ended at either of them."""

from __future__ import annotations

import hashlib
import json
import time

from tests.components.cluster_case import ClusterCase, PairCase
from tests.components.gateway import Gateway

SOME_KEY = "key-for-the-backend-other"
KEYS = f"""
[api.keys.some]
hash = "sha256:{hashlib.sha256(SOME_KEY.encode()).hexdigest()}"
scopes = ["admin"]
backends = ["other"]
"""


class WorkersTests(ClusterCase):
    def test_any_process_of_a_proxy_answers_for_all(self) -> None:
        proxy = self.proxy("north", "workers = 2\n")
        viewers = [self.open(proxy)[1] for _ in range(8)]

        self.until(lambda: len(self.workers(proxy)) == 2)
        for _ in range(6):
            self.until_listed(proxy, 8)
        self.until(lambda: sum(self.workers(proxy)) == 8)  # with the next heartbeat
        answer = proxy.call("DELETE", "/v1/sessions?user=alice")

        self.assertEqual(answer, (200, {"ended": 8}))
        for viewer in viewers:
            viewer.wait_for_end()

    def workers(self, proxy: Gateway) -> list[int]:
        """Return the sessions of each worker of the only proxy."""
        (shown,) = proxy.call("GET", "/v1/proxies")[1]["proxies"]
        return [each["sessions"] for each in shown["workers"]]


class ClusterTests(PairCase):
    @classmethod
    def start_pair(cls, kept: ClusterCase) -> tuple[Gateway, Gateway]:
        north, south = kept.proxies_at_once(north=KEYS, south="")
        return north, south

    def test_a_token_revoked_at_one_proxy_ends_its_session_at_the_other(self) -> None:
        token_id, viewer = self.open(self.south)

        began = time.monotonic()
        status, answer = self.north.call("DELETE", f"/v1/tokens/{token_id}")
        viewer.wait_for_end()
        took = time.monotonic() - began

        self.assertEqual((status, answer), (200, {"revoked": 1, "ended": 1}))
        self.assertLess(took, 5)
        line = self.south.audit_of("close")
        self.assertEqual(line["reason"], "ended-by-administrator")
        self.assertEqual(line["detail"], "by key 'test'")

    def test_sessions_are_listed_chosen_and_shown_wherever_they_are(self) -> None:
        for proxy, vm, user in (
            (self.north, "lab/web-01", "alice"),
            (self.south, "lab/web-01", "bob"),
            (self.south, "lab/db-01", "alice"),
        ):
            self.open(proxy, vm, user)

        for proxy in (self.north, self.south):
            listed = self.until_listed(proxy, 3)
            seen = [(each["proxy"], each["vm"], each["user"]) for each in listed]
            self.assertEqual(
                seen,
                [
                    ("north", "lab/web-01", "alice"),
                    ("south", "lab/web-01", "bob"),
                    ("south", "lab/db-01", "alice"),
                ],
            )
            self.until_listed(proxy, 2, "?user=alice")
            self.until_listed(proxy, 2, "?vm=lab/web-01")
            self.until_listed(proxy, 2, "?proxy=south")
            self.until_listed(proxy, 1, f"?token={listed[1]['token_id']}")
            self.until_listed(proxy, 0, "?vm=lab/db-01&user=bob")
            pages = self.pages(2)
            self.assertEqual(pages, [[s["id"] for s in listed[:2]], [listed[2]["id"]]])
            for session in listed:
                status, shown = proxy.call("GET", f"/v1/sessions/{session['id']}")
                self.assertEqual((status, shown["vm"]), (200, session["vm"]))

    def pages(self, limit: int) -> list[list[str]]:
        found, after = [], ""
        while after is not None:
            query = f"?limit={limit}" + (f"&after={after}" if after else "")
            _, answer = self.north.call("GET", f"/v1/sessions{query}")
            found.append([each["id"] for each in answer["sessions"]])
            after = answer["next"]
        return found

    def test_sessions_of_the_other_proxy_are_ended_by_each_criterion_and_no_others(self) -> None:
        for vm, user, query in (
            ("lab/web-01", "alice", "?vm=lab/web-01"),
            ("lab/web-01", "bob", "?user=bob"),
            ("lab/web-01", "carol", "?proxy=south"),
            ("lab/web-01", "dora", "?proxy=south&user=dora"),
            ("lab/web-01", "eve", "/{id}"),
            ("lab/web-01", "fay", "?token={token_id}"),
        ):
            _, viewer = self.open(self.south, vm, user)
            (session,) = self.until_listed(self.north, 1)

            answer = self.north.call("DELETE", f"/v1/sessions{query.format(**session)}")

            self.assertEqual(answer, (200, {"ended": 1}), query)
            viewer.wait_for_end()
            self.until_listed(self.north, 0)
        self.open(self.south)
        self.until_listed(self.north, 1)
        for query in ("?user=bob", "?vm=lab/db-01", "?proxy=north", "?proxy=east"):
            answer = self.north.call("DELETE", f"/v1/sessions{query}")
            self.assertEqual(answer, (200, {"ended": 0}), query)
        self.assertEqual(self.north.call("DELETE", f"/v1/sessions/{'0' * 16}")[0], 404)
        self.until_listed(self.north, 1)

    def test_a_key_for_some_backends_sees_and_ends_their_sessions_only(self) -> None:
        self.open(self.south, "lab/web-01", "alice")
        token_id, theirs = self.open(self.south, "other/web-01", "alice")
        hidden = self.until_listed(self.north, 2)[0]
        self.patch(self.north, "key", SOME_KEY)

        (seen,) = self.until_listed(self.north, 1)
        self.assertEqual((seen["vm"], seen["token_id"]), ("other/web-01", token_id))
        for method in ("GET", "DELETE"):
            status, _ = self.north.call(method, f"/v1/sessions/{hidden['id']}")
            self.assertEqual(status, 404)
        self.assertEqual(self.north.call("DELETE", f"/v1/tokens/{hidden['token_id']}")[0], 404)
        answer = self.north.call("DELETE", "/v1/sessions?user=alice")
        self.assertEqual(answer, (200, {"ended": 1}))
        theirs.wait_for_end()
        self.until_listed(self.south, 1)

    def test_orders_of_other_programs_are_obeyed_and_hostile_ones_skipped(self) -> None:
        _, viewer = self.open(self.south, user="alice")
        orders = "vncproxy:orders"
        for entry in ("", "[" * 9999, '{"v":1,"kind":"end"}', '{"v":9}', "\n\r\t", '{"v":1'):
            self.redis.cli("xadd", orders, "*", "order", entry)
        self.redis.cli("xadd", orders, "*", "else", "nothing")
        self.redis.cli(
            "xadd", orders, "*", "order", json.dumps({"v": 1, "kind": "end", "user": "bo"})
        )
        self.redis.cli("publish", orders, "")
        self.until(lambda: self.south.log().count("in redis is skipped") == 7)
        self.until_listed(self.north, 1)

        order = {"v": 1, "kind": "end", "user": "alice", "by": "the portal"}
        for _ in range(2):  # a second time does no harm
            self.redis.cli("xadd", orders, "*", "order", json.dumps(order))
        self.redis.cli("publish", orders, "")

        viewer.wait_for_end()
        self.assertEqual(self.south.audit_of("close")["detail"], "by the portal")


class StoppedTests(ClusterCase):
    """Proxies that end, or serve no more."""

    def setUp(self) -> None:
        super().setUp()
        self.north, self.south = self.proxies_at_once(north="", south="")

    def test_proxies_announce_themselves_until_they_stop(self) -> None:
        self.open(self.south)

        def proxies() -> list[tuple[str, int]]:
            _, answer = self.north.call("GET", "/v1/proxies")
            return [(each["name"], each["sessions"]) for each in answer["proxies"]]

        self.until(lambda: proxies() == [("north", 0), ("south", 1)])
        warnings = self.north.call("GET", "/v1/proxies")[1]["warnings"]
        self.assertEqual(warnings, [])
        self.south.terminate()
        self.assertEqual(proxies(), [("north", 0)])
        self.assertEqual(self.north.call("GET", "/v1/sessions")[1]["sessions"], [])
        east = self.proxy(
            "east", '[backends.more]\ntype = "static"\nconsoles.a.address = "127.0.0.1:1"\n'
        )
        self.until(lambda: len(proxies()) == 2)
        warnings = east.call("GET", "/v1/proxies")[1]["warnings"]
        self.assertEqual(
            [(w["code"], w["backend"]) for w in warnings], [("backend-missing", "more")]
        )

    def test_a_proxy_is_drained_at_another(self) -> None:
        answer = self.north.call("POST", "/v1/proxies/south/drain")

        self.assertEqual(answer, (202, {"draining": 1}))
        self.assertEqual(self.south.call("GET", "/readyz")[0], 503)
        self.assertEqual(self.north.call("GET", "/readyz")[0], 200)
        self.until(
            lambda: (
                [each["draining"] for each in self.north.call("GET", "/v1/proxies")[1]["proxies"]]
                == [False, True]
            )
        )
