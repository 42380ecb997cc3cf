"""What goes on, as server-sent events, and what a key may do."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.testing import StringTransportWithDisconnection

from tests.doubles.api import ApiTestCase
from vncproxy.api import Scope, api_site
from vncproxy.api.broadcast import INTERVAL, MOST, MOST_OF_ONE
from vncproxy.api.event_stream import HEARTBEAT, SLOWEST
from vncproxy.downstream.channel import RESPONSE_TIME, limited_channel
from vncproxy.downstream.connections import Connections
from vncproxy.model import Announcement, Identity, Limits

NORTH = Announcement(Identity("a" * 16, "b" * 16, "north"), backends={"kvm": "1", "esx": "2"})


class Stream:
    """The response to a reader, read as a browser reads it."""

    def __init__(self, response: Any) -> None:
        self.response = response
        self.text = ""
        self.whole: Deferred[Any] = response.collect(self._add)

    def _add(self, data: bytes) -> None:
        self.text += data.decode()

    def take(self) -> list[tuple[str, Any]]:
        """Return the events since the last call; the last of them is whole."""
        blocks, self.text = self.text.split("\n\n"), ""
        assert blocks.pop() == ""
        return [_parse(block) for block in blocks]

    def names(self) -> list[str]:
        return [name for name, _ in self.take()]


def _parse(block: str) -> tuple[str, Any]:
    if block == ":":
        return "", None
    event, data = block.split("\n")
    return event.removeprefix("event: "), json.loads(data.removeprefix("data: "))


class EventsTestCase(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.proxies.found = [NORTH]

    def follow(self, **more: Any) -> Stream:
        asked = self.begin("GET", "/v1/events", **more)
        self.treq.flush()
        self.asked.pop(asked)
        stream = Stream(self.successResultOf(asked))
        self.treq.flush()
        return stream

    def wait(self, seconds: float = INTERVAL) -> None:
        passed = 0.0
        while passed < seconds:
            self.clock.advance(INTERVAL)
            self.treq.flush()
            passed += INTERVAL


class EventsTests(EventsTestCase):
    def test_the_first_events_say_how_it_is(self) -> None:
        stream = self.follow()

        headers = stream.response.headers
        self.assertEqual(stream.response.code, 200)
        for name, value in (
            ("content-type", "text/event-stream"),
            ("cache-control", "no-store"),
            ("x-accel-buffering", "no"),
        ):
            self.assertEqual(headers.getRawHeaders(name), [value])
        (first, body), (second, mark) = stream.take()
        self.assertEqual((first, second), ("proxies", "sessions"))
        self.assertEqual(body, self.call("GET", "/v1/proxies").body)
        self.assertEqual(mark, {"mark": "0"})

    def test_later_ones_say_what_has_changed(self) -> None:
        stream = self.follow()
        stream.take()

        self.wait(5)
        self.assertEqual(stream.take(), [])
        self.proxies.mark = "1"
        self.wait()
        self.assertEqual(stream.take(), [("sessions", {"mark": "1"})])
        self.proxies.found = [replace(NORTH, draining=True, sessions=7)]
        self.wait()
        ((name, body),) = stream.take()
        self.assertEqual((name, body["proxies"][0]["draining"]), ("proxies", True))
        self.assertEqual(body["proxies"][0]["sessions"], 7)

    def test_a_silent_stream_gives_signs_of_life(self) -> None:
        stream = self.follow()
        stream.take()

        self.wait(3 * HEARTBEAT)

        self.assertEqual(stream.names(), ["", "", ""])

    def test_a_key_for_some_machines_learns_no_load(self) -> None:
        stream = self.follow(key=self.key_with(Scope.READ, backends=["esx"]))

        (_, body), _ = stream.take()
        (proxy,) = body["proxies"]
        self.assertEqual(proxy["backends"], {"esx": "2"})
        self.assertNotIn("workers", proxy)

    def test_a_key_for_some_machines_does_not_learn_when_sessions_of_others_change(self) -> None:
        times = []
        for changes in (False, True):
            stream = self.follow(key=self.key_with(Scope.READ, vms=["kvm/web-*"]))
            stream.take()
            seen = []
            for second in range(10):
                self.proxies.mark += "x" if changes else ""
                self.wait()
                seen += [(second, name, data) for name, data in stream.take() if name]
            times.append([second for second, name, _ in seen if name == "sessions"])
            self.assertNotIn("x", str(seen))
            self.broadcast.end_all("draining")
        self.assertEqual([len(each) for each in times], [2, 2])
        self.assertEqual(times[0], times[1])

    def test_it_needs_the_scope(self) -> None:
        answer = self.call("GET", "/v1/events", key=self.key_with(Scope.ISSUE))
        self.assertRefused(answer, 403, "forbidden", None)
        answer = self.call("GET", "/v1/events", headers={})
        self.assertEqual(answer.status, 401)
        self.assertEqual(self.proxies.asked, 0)

    def test_head_gets_the_header_alone_and_is_no_reader(self) -> None:
        answer = self.call("HEAD", "/v1/events")

        self.assertEqual((answer.status, answer.text), (200, ""))
        self.assertEqual((len(self.broadcast), self.proxies.asked), (0, 0))

    def test_the_cluster_is_asked_once_a_second_however_many_read(self) -> None:
        keys = [self.key_with(Scope.READ) for _ in range(4)]
        streams = [self.follow(key=key) for key in keys]
        self.proxies.asked = 0

        self.proxies.mark = "1"
        self.wait(10)

        self.assertEqual(self.proxies.asked, 10)
        self.assertEqual({tuple(each.names())[:2] for each in streams}, {("proxies", "sessions")})

    def test_an_outage_of_the_store_is_told_once_and_ends_nothing(self) -> None:
        stream = self.follow()
        stream.take()
        self.proxies.away = True
        self.wait(3)
        ((name, problem),) = stream.take()
        self.assertEqual((name, problem["code"]), ("problem", "store-unavailable"))

        self.proxies.away = False
        self.wait(2)
        self.assertEqual(stream.names(), ["proxies", "sessions"])

    def test_a_stream_that_begins_in_an_outage_says_so(self) -> None:
        self.proxies.away = True
        self.assertEqual(self.follow().names(), ["problem"])

    def test_it_ends_when_its_key_is_revoked(self) -> None:
        owner = self.key_with(Scope.KEYS, Scope.READ)
        made = self.call("POST", "/v1/keys", {"name": "short", "scopes": ["read"]}, key=owner).body
        stream, other = self.follow(key=made["key"]), self.follow()
        for each in (stream, other):
            self.assertEqual(each.names(), ["proxies", "sessions"])

        self.assertEqual(self.call("DELETE", f"/v1/keys/{made['id']}", key=owner).status, 200)
        self.wait(2)

        self.assertEqual(stream.take(), [("end", {"reason": "key-revoked"})])
        self.successResultOf(stream.whole)
        self.assertEqual((other.take(), len(self.broadcast)), ([], 1))

    def test_it_ends_when_its_key_expires(self) -> None:
        stream = self.follow(key=self.key_with(Scope.READ, expires=self.time + 60))
        stream.take()
        self.time += 61
        self.wait()

        self.assertEqual(stream.take(), [("end", {"reason": "key-revoked"})])

    def test_there_are_limits_of_readers(self) -> None:
        keys = [self.key_with(Scope.READ) for _ in range(MOST // MOST_OF_ONE + 1)]
        for key in keys[:-1]:
            for _ in range(MOST_OF_ONE):
                self.assertEqual(self.follow(key=key).response.code, 200)
            answer = self.call("GET", "/v1/events", key=key)
            self.assertRefused(answer, 503, "busy", None)
            self.assertEqual(answer.headers["retry-after"], "5")

        self.assertRefused(self.call("GET", "/v1/events", key=keys[-1]), 503, "busy", None)
        self.broadcast.end_all("draining")
        self.assertEqual(self.follow(key=keys[-1]).names(), ["proxies", "sessions"])

    def test_a_process_that_drains_lets_readers_go_and_takes_them_again(self) -> None:
        stream = self.follow()
        stream.take()

        self.broadcast.end_all("draining")
        self.treq.flush()
        self.assertEqual(stream.take(), [("end", {"reason": "draining"})])
        self.successResultOf(stream.whole)
        self.assertEqual(self.follow().names(), ["proxies", "sessions"])

    def test_a_process_that_ends_takes_none_again(self) -> None:
        self.broadcast.end_all("stopping", close=True)

        self.assertRefused(self.call("GET", "/v1/events"), 503, "busy", None)


class ConnectionTests(EventsTestCase):
    """Readers at a connection as it is served, with its time limits."""

    def setUp(self) -> None:
        super().setUp()
        connections = Connections(Limits(), self.clock)
        site = api_site(self.resource, self.clock, lambda: limited_channel(Limits(), connections))
        self.channel: Any = site.buildProtocol(None)
        self.channel.callLater = self.clock.callLater
        self.transport = StringTransportWithDisconnection()
        self.transport.protocol = self.channel
        self.channel.makeConnection(self.transport)
        request = f"GET /v1/events HTTP/1.1\r\nHost: x\r\nX-Api-Key: {self.key}\r\n\r\n"
        self.channel.dataReceived(request.encode())
        self.assertIn("event: sessions", self.sent())

    def sent(self) -> str:
        text: str = self.transport.value().decode()
        self.transport.clear()
        return text

    def wait(self, seconds: float = INTERVAL) -> None:
        self.clock.pump([INTERVAL] * int(seconds / INTERVAL))

    def test_it_lives_longer_than_other_answers(self) -> None:
        self.wait(5 * RESPONSE_TIME)

        self.assertTrue(self.transport.connected)
        self.assertEqual(self.sent().count(":\n\n"), 30)

    def test_without_readers_nothing_is_asked(self) -> None:
        self.wait(3)
        self.assertEqual((len(self.broadcast), self.proxies.asked), (1, 4))
        self.transport.loseConnection()
        self.wait(10)

        self.assertEqual((len(self.broadcast), self.proxies.asked), (0, 4))
        self.assertEqual([each for each in self.clock.getDelayedCalls() if each.active()], [])

    def test_a_reader_that_takes_nothing_has_one_event_of_each_kind_waiting(self) -> None:
        self.channel.pauseProducing()
        for number in range(10):
            self.proxies.mark = f"m{number}"
            self.proxies.found = [replace(NORTH, sessions=number)]
            self.wait()
        self.assertEqual(self.sent(), "")

        self.channel.resumeProducing()
        text = self.sent()
        self.assertEqual((text.count("event: "), "m9" in text, "m8" in text), (2, True, False))

    def test_a_reader_that_takes_nothing_for_long_is_let_go(self) -> None:
        self.channel.pauseProducing()
        self.wait(SLOWEST + INTERVAL)

        self.assertIn('event: end\ndata: {"reason": "slow"}', self.sent())
        self.assertEqual(len(self.broadcast), 0)

    def test_a_reader_that_takes_not_even_the_last_event_is_cut_off(self) -> None:
        self.channel.pauseProducing()
        self.wait(SLOWEST + 2 * RESPONSE_TIME)

        self.assertFalse(self.transport.connected)


class SelfTests(ApiTestCase):
    def test_a_key_learns_what_it_may_do(self) -> None:
        key = self.key_with(Scope.READ, Scope.REVIEW, backends=["kvm"], expires=self.time + 60)

        self.assertEqual(
            self.call("GET", "/v1/self", key=key).body,
            {
                "name": "portal",
                "scopes": ["read", "review"],
                "backends": ["kvm"],
                "vms": ["*"],
                "everything": False,
                "expires_at": "2026-01-02T03:05:05Z",
            },
        )
        self.assertIs(self.call("GET", "/v1/self").body["everything"], True)

    def test_every_scope_is_enough_and_no_key_is_not(self) -> None:
        for scope in Scope:
            answer = self.call("GET", "/v1/self", key=self.key_with(scope))
            self.assertEqual((answer.status, answer.body["scopes"]), (200, [scope.value]))
        self.assertEqual(self.call("GET", "/v1/self", headers={}).status, 401)
