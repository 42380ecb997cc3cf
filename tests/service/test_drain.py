"""Whether sessions move or stay when a proxy is emptied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred

from tests.doubles.proxy_in_memory import NOW
from tests.doubles.sessions import SessionTestCase
from vncproxy.config.settings import Settings
from vncproxy.errors import ProxyDraining, ProxyStopping, StoreUnavailable
from vncproxy.model import Announcement, Identity
from vncproxy.service.drain import KNOWN_AFTER, Drain
from vncproxy.service.running import RunningProxy
from vncproxy.service.zone_links import make_links
from vncproxy.session.draining import LEAVE_TIME, SPREAD

BASE_URL = Settings().public.base_url


def proxy(proxy_id: str, worker_id: str = "", **more: Any) -> Announcement:
    members = {"base_url": BASE_URL, **more}
    return Announcement(Identity(proxy_id, worker_id or proxy_id, "proxy"), **members)


class Others:
    """The processes that Redis has."""

    def __init__(self, *found: Announcement) -> None:
        self.found = found
        self.announced = 0
        self.fail = False

    @property
    def presence(self) -> Others:
        return self

    async def announce(self) -> int:
        self.announced += 1
        if self.fail:
            raise StoreUnavailable("away")
        return 0

    async def workers(self) -> Sequence[Announcement]:
        return self.found


class DrainTests(SessionTestCase):
    def drain(self, others: Others | None, worker: int = 0) -> Drain:
        nothing: Any = None
        cluster: Any = others
        parts = (nothing, self.sessions, nothing, nothing, (), nothing)
        me = Identity("me", "me-1", "proxy", worker=worker)
        links = make_links(me, Settings(), self.reactor)
        return Drain(RunningProxy(Settings(), *parts, me, links, cluster))

    def open_page(self) -> None:
        self.open(self.user_request(can_move=True))

    def finish(self, others: Others | None) -> Deferred[None]:
        self.open_page()
        return self.drain(others).finish(10)

    def test_pages_move_to_another_proxy_before_a_stop(self) -> None:
        others = Others(proxy("me", "me-1"), proxy("other"))
        finished = self.finish(others)

        self.wait(SPREAD)
        self.assertNoResult(finished)
        self.wait(LEAVE_TIME)

        self.closed(ProxyDraining)
        self.successResultOf(finished)
        self.assertEqual(others.announced, 1)

    def test_pages_wait_until_load_balancers_know_a_proxy_that_has_just_started(self) -> None:
        started = NOW - KNOWN_AFTER + 1
        self.finish(Others(proxy("other", started_at=started)))

        self.wait(0.9)
        self.assertIsNone(self.session.moving)
        self.wait(0.2)
        self.wait(SPREAD)

        self.assertIsNotNone(self.session.moving)

    def test_a_stop_does_not_wait_where_there_is_nowhere_to_move(self) -> None:
        for others in (
            None,
            Others(),
            Others(proxy("me", "me-1"), proxy("me", "me-2")),
            Others(proxy("other", draining=True)),
            Others(proxy("other", base_url="https://elsewhere.example.com/")),
        ):
            self.setUp()
            self.successResultOf(self.finish(others))
            self.assertTrue(self.sessions.draining)

    def test_a_stop_does_not_wait_for_a_redis_that_is_away(self) -> None:
        others = Others(proxy("other"))
        others.fail = True

        self.successResultOf(self.finish(others))

    def test_a_stop_without_sessions_asks_for_nothing(self) -> None:
        others = Others(proxy("other"))

        self.successResultOf(self.drain(others).finish(10))

        self.assertEqual(others.announced, 0)

    def test_an_order_without_another_proxy_lets_all_sessions_stay(self) -> None:
        self.open_page()
        drained = self.drain(Others()).begin(60)

        self.wait(59.9)
        self.assertNoResult(drained)
        self.wait(0.2)

        self.closed(ProxyStopping)

    def drains_as(self, worker: int, *others: Announcement) -> bool:
        """Return whether a worker that starts drains at once."""
        drain = self.drain(Others(*others), worker)
        Deferred.fromCoroutine(drain.follow_siblings())
        return self.sessions.draining

    def test_a_worker_that_is_started_anew_drains_as_the_others_do(self) -> None:
        mine, draining, serving = (
            proxy("me", "me-1"),
            proxy("me", "me-2", draining=True),
            proxy("me", "me-3"),
        )

        self.assertFalse(self.drains_as(1, mine))
        self.assertFalse(self.drains_as(1, mine, draining, serving))
        self.assertFalse(self.drains_as(1, mine, proxy("other", draining=True)))
        self.assertFalse(self.drains_as(0, mine, draining))
        self.assertTrue(self.drains_as(1, mine, draining))

    def test_an_upgrade_keeps_pages_until_just_before_its_time_is_over(self) -> None:
        self.open_page()
        retired = self.drain(None).retire(60)
        self.assertIsNone(self.sessions.refusal())

        self.wait(60 - SPREAD - LEAVE_TIME - 0.1)
        self.assertIsNone(self.session.moving)
        self.assertNoResult(retired)
        self.wait(0.2)
        self.wait(SPREAD)

        self.assertIsInstance(self.session.moving, ProxyDraining)
