"""The proxies over HTTP."""

from __future__ import annotations

from tests.doubles.api import ApiTestCase
from tests.doubles.proxies import announced
from vncproxy.api import Scope
from vncproxy.model import LinkState, Unconfirmed


class ListTests(ApiTestCase):
    def test_workers_of_one_proxy_are_one(self) -> None:
        self.proxies.found = [
            announced("north", worker=1, sessions=2, most_sessions=10),
            announced("north", worker=2, sessions=3, most_sessions=10, draining=True),
        ]

        (shown,) = self.call("GET", "/v1/proxies").body["proxies"]

        self.assertEqual((shown["name"], shown["sessions"]), ("north", 5))
        self.assertEqual((shown["limits"], shown["draining"]), ({"sessions": 20}, False))
        self.assertEqual([each["worker"] for each in shown["workers"]], [1, 2])

    def test_links_of_all_workers_count_together(self) -> None:
        lost, made = LinkState("them", 0, 1_800_000_000.0), LinkState("them", 2, 1_800_000_060.0)
        dialled = LinkState("us", 0, None, "refused")
        self.proxies.found = [
            announced("north", worker=1, links={"madrid": made}),
            announced("north", worker=2, links={"madrid": lost, "oslo": dialled}),
        ]

        (shown,) = self.call("GET", "/v1/proxies").body["proxies"]

        since = "2027-01-15T08:01:00Z"
        self.assertEqual(
            shown["links"],
            {
                "madrid": {"dial": "them", "count": 2, "since": since, "problem": None},
                "oslo": {"dial": "us", "count": 0, "since": None, "problem": "refused"},
            },
        )

    def test_refusals_are_counted_by_reason_for_each_process(self) -> None:
        self.proxies.found = [
            announced("north", worker=1, refusals={"token-used": 2, "no-room": 1}),
            announced("north", worker=2),
        ]

        (shown,) = self.call("GET", "/v1/proxies").body["proxies"]

        counts = [each["refusals"] for each in shown["workers"]]
        self.assertEqual(counts, [{"no-room": 1, "token-used": 2}, {}])

    def test_differences_are_warnings(self) -> None:
        self.proxies.found = [
            announced("north", backends={"kvm": "1", "xen": "5"}),
            announced("south", backends={"kvm": "2"}),
        ]

        warnings = self.call("GET", "/v1/proxies").body["warnings"]

        self.assertEqual(
            [(w["code"], w["backend"], [p["name"] for p in w["proxies"]]) for w in warnings],
            [
                ("backend-differs", "kvm", ["north", "south"]),
                ("backend-missing", "xen", ["south"]),
            ],
        )

    def test_a_key_for_some_backends_sees_these_only(self) -> None:
        self.proxies.found = [
            announced("north", backends={"kvm": "1", "xen": "5"}, digest="d", sessions=7),
            announced("south", backends={"kvm": "1"}),
        ]
        self.key = self.key_with(Scope.READ, backends=["kvm"])

        answer = self.call("GET", "/v1/proxies").body

        self.assertEqual(answer["warnings"], [])
        self.assertEqual([p["backends"] for p in answer["proxies"]], [{"kvm": "1"}] * 2)
        for hidden in ("digest", "sessions", "limits", "workers"):
            self.assertNotIn(hidden, answer["proxies"][0])

    def test_the_zones_that_it_asks_and_accepts(self) -> None:
        self.proxies.found = [announced("north", asks=("madrid", "oslo"), accepts=("paris",))]
        (shown,) = self.call("GET", "/v1/proxies").body["proxies"]
        self.assertEqual((shown["asks"], shown["accepts"]), (["madrid", "oslo"], ["paris"]))

        self.key = self.key_with(Scope.READ, backends=["kvm", "oslo"])
        (shown,) = self.call("GET", "/v1/proxies").body["proxies"]
        self.assertEqual((shown["asks"], "accepts" in shown), (["oslo"], False))

    def test_a_scope_is_needed(self) -> None:
        self.key = self.key_with(Scope.ISSUE)

        self.assertEqual(self.call("GET", "/v1/proxies").status, 403)
        self.assertEqual(self.call("POST", "/v1/proxies/north/drain").status, 403)


class DrainTests(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.north = announced("north")
        self.proxies.found = [self.north, announced("south")]

    def test_a_proxy_is_drained_by_its_name_or_id(self) -> None:
        for name in ("north", self.north.identity.proxy_id):
            answer = self.call("POST", f"/v1/proxies/{name}/drain")
            self.assertEqual((answer.status, answer.body), (202, {"draining": 1}))

        self.assertEqual([name for name, _ in self.proxies.drained], ["north", name])

    def test_an_unknown_one_is_not_found(self) -> None:
        self.assertEqual(self.call("POST", "/v1/proxies/east/drain").status, 404)
        self.assertEqual(self.proxies.drained, [])

    def test_one_that_does_not_confirm_is_named(self) -> None:
        self.proxies.silent = (Unconfirmed("p", "north", "w"),)

        answer = self.call("POST", "/v1/proxies/north/drain")

        late = [{"proxy": "p", "name": "north", "worker": "w"}]
        self.assertEqual((answer.status, answer.body), (207, {"draining": 0, "unconfirmed": late}))

    def test_a_key_for_some_backends_may_not(self) -> None:
        self.key = self.key_with(Scope.ADMIN, backends=["kvm"])

        self.assertEqual(self.call("POST", "/v1/proxies/north/drain").status, 403)
