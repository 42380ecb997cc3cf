"""The identity of a process, and what it announces."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred

from tests.doubles.api import session
from tests.doubles.proxy_in_memory import ProxyTestCase
from vncproxy.config.settings import Proxy, Public, Settings
from vncproxy.errors import ClientGone
from vncproxy.model import Ended, Limits
from vncproxy.service.cluster import Alone, Description, identity, make_alone
from vncproxy.session.change_count import ChangeCount

NORTH = Settings(
    proxy=Proxy(name="north", zone="eu"),
    public=Public(
        base_url="https://console.example.com/", xvp_url="http://viewers.example.com:6081/console"
    ),
    limits=Limits(sessions=7),
)


class IdentityTests(ProxyTestCase):
    def test_a_process_alone_has_one_of_its_own(self) -> None:
        one, other = identity(NORTH, {}), identity(NORTH, {})

        self.assertEqual((one.name, one.zone, one.worker, one.generation), ("north", "eu", 0, 1))
        for each in (one.proxy_id, one.worker_id):
            self.assertRegex(each, "^[0-9a-f]{16}$")
        self.assertEqual(len({one.proxy_id, one.worker_id, other.proxy_id, other.worker_id}), 4)

    def test_a_supervisor_gives_its_workers_one_proxy(self) -> None:
        given = {"VNCPROXY_ID": "0123456789abcdef", "VNCPROXY_GENERATION": "3"}
        workers = [identity(NORTH, {**given, "VNCPROXY_WORKER": str(n)}) for n in (1, 2)]

        self.assertEqual({each.proxy_id for each in workers}, {"0123456789abcdef"})
        self.assertEqual([(each.worker, each.generation) for each in workers], [(1, 3), (2, 3)])
        self.assertNotEqual(workers[0].worker_id, workers[1].worker_id)

    def test_what_is_malformed_in_the_environment_does_not_count(self) -> None:
        one = identity(NORTH, {"VNCPROXY_ID": "x" * 16, "VNCPROXY_WORKER": "-1"})

        self.assertRegex(one.proxy_id, "^[0-9a-f]{16}$")
        self.assertEqual(one.worker, 0)


class DescriptionTests(ProxyTestCase):
    def test_it_follows_the_settings_and_the_sessions(self) -> None:
        settings = NORTH
        me = identity(NORTH, {})
        describe = Description(me, lambda: settings, self.sessions, 5.0)

        said = describe()
        self.assertEqual((said.identity, said.started_at, said.sessions), (me, 5.0, 0))
        self.assertEqual(said.hosts, ("console.example.com", "viewers.example.com"))
        self.assertEqual((said.most_sessions, said.draining), (7, False))

        settings = Settings(proxy=NORTH.proxy, limits=Limits(sessions=9))
        self.sessions.draining = True
        self.assertEqual((describe().most_sessions, describe().draining), (9, True))
        self.assertNotEqual(describe().digest, said.digest)


class AloneTests(ProxyTestCase):
    def test_it_lists_and_drains_itself_only(self) -> None:
        drained: list[bool] = []
        me = identity(NORTH, {})
        describe = Description(me, lambda: NORTH, self.sessions, 5.0)
        alone = Alone(describe, lambda: drained.append(True), ChangeCount())

        listed = self.successResultOf(Deferred.fromCoroutine(alone.workers()))
        self.assertEqual([each.identity for each in listed], [me])
        for name in ("south", "north", me.proxy_id):
            work = Deferred.fromCoroutine(alone.drain(name, by="key 'portal'"))
            self.assertEqual(self.successResultOf(work), Ended(0))
        self.assertEqual(drained, [True, True])

    def test_its_mark_differs_after_each_change_of_a_session(self) -> None:
        alone = make_alone(
            self.sessions,
            Description(identity(NORTH, {}), lambda: NORTH, self.sessions, 5.0),
            lambda: None,
        )
        marks = [self.mark_of(alone)]
        self.assertEqual(self.mark_of(alone), marks[0])
        for change in (lambda: self.sessions.on_redeemed("1"), *self.events()):
            change()
            marks.append(self.mark_of(alone))
        self.assertEqual(len(set(marks)), 6)

    def events(self) -> list[Callable[[], object]]:
        """Return what tells the observers that were added last of each event."""
        observer, info = self.sessions.services.observers[-1], session()
        return [
            lambda: observer.opened(info),
            lambda: observer.changed(info, "desk"),
            lambda: observer.closed(info, ClientGone()),
            lambda: observer.refused(info, ClientGone()),
        ]

    def mark_of(self, alone: Alone) -> str:
        return self.successResultOf(Deferred.fromCoroutine(alone.activity())).mark
