from __future__ import annotations

from prometheus_client import Counter
from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IAddress
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs, formatEvent
from twisted.python.failure import Failure
from twisted.web.test.requesthelper import DummyChannel

from tests.doubles.api import ApiTestCase
from vncproxy.api import api_site
from vncproxy.api.site import BoundedRequest
from vncproxy.api.v1.bodies import MAX_BODY
from vncproxy.errors import ProxyStopping


class RoutingTests(ApiTestCase):
    def test_unknown_paths_are_not_found_in_json(self) -> None:
        for path in ("//", "/v1", "/v1/", "/v1/tokens/", "/v1//vms", "/v2/tokens", "/x"):
            self.assertRefused(self.call("GET", path), 404, "not-found", None)

    def test_other_methods_are_refused_with_those_that_are_allowed(self) -> None:
        answer = self.call("PUT", "/v1/tokens", {})

        self.assertRefused(answer, 405, "method-not-allowed", None)
        self.assertEqual(answer.headers["allow"], "DELETE, POST")

    def test_path_that_is_not_utf8_is_refused_in_json(self) -> None:
        self.assertRefused(self.call("GET", "/v1/tokens/%ff"), 400, "bad-request", None)

    def test_head_has_no_body(self) -> None:
        answer = self.call("HEAD", "/v1/vms")

        self.assertEqual((answer.status, answer.text), (200, ""))

    def test_answers_are_not_sniffed_and_name_no_version(self) -> None:
        headers = self.call("GET", "/v1/vms").headers

        self.assertEqual(headers["x-content-type-options"], "nosniff")
        self.assertEqual(headers["server"], "vncproxy")

    def test_metrics_are_what_prometheus_reads(self) -> None:
        Counter("vncproxy_test", "A test.", registry=self.registry).inc(3)

        answer = self.call("GET", "/metrics")

        self.assertEqual(answer.status, 200)
        self.assertTrue(answer.headers["content-type"].startswith("text/plain; version="))
        self.assertIn("vncproxy_test_total 3.0\n", answer.text)


class BoundedRequestTests(ApiTestCase):
    def test_body_is_kept_up_to_one_byte_more_than_allowed(self) -> None:
        request = BoundedRequest(DummyChannel(), False)
        request.gotLength(None)

        for _ in range(3 * MAX_BODY // 1000):
            request.handleContentChunk(b"x" * 1000)

        assert request.content is not None
        self.assertEqual(request.content.tell(), MAX_BODY + 1)


class SiteTests(ApiTestCase):
    """What is sent over a connection to the factory that really listens."""

    peer: IAddress = IPv4Address("TCP", "192.0.2.1", 40000)

    def setUp(self) -> None:
        super().setUp()
        self.answers: list[tuple[str, str, int, float]] = []

    def send(self, request: bytes) -> bytes:
        transport = StringTransport(peerAddress=self.peer)
        site = api_site(self.resource)
        site.on_answer = lambda *answer: self.answers.append(answer)
        site.doStart()
        self.addCleanup(site.doStop)
        protocol = site.buildProtocol(self.peer)
        protocol.makeConnection(transport)
        protocol.dataReceived(request)
        protocol.connectionLost(Failure(ConnectionDone()))
        answer: bytes = transport.value()
        return answer

    def request(self, line: str, body: bytes = b"") -> bytes:
        header = f"{line} HTTP/1.1\r\nHost: x\r\nX-Request-Id: r1\r\n"
        header += f"Authorization: Bearer {self.key}\r\n"
        return f"{header}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def test_body_that_is_too_long_is_answered(self) -> None:
        answer = self.send(self.request("POST /v1/tokens", b"x" * 200_000))

        self.assertTrue(answer.startswith(b"HTTP/1.1 413 "), answer[:80])

    def test_answers_are_told_by_the_template_of_their_route(self) -> None:
        for line in (f"GET /v1/tokens/{'c' * 64}?x=1", "GET /v1/sessions", "BREW /v1/sessions"):
            self.send(self.request(line))
        for number in range(3):
            self.send(self.request(f"GET /{number}/%ff/..%2f"))

        told = [answer[:3] for answer in self.answers]
        self.assertEqual(told[0], ("/v1/tokens/<token_id>", "GET", 404))
        self.assertEqual(told[1], ("/v1/sessions", "GET", 200))
        self.assertEqual(told[2][0], "")
        self.assertEqual({route for route, *_ in told[3:]}, {""})
        for *_, seconds in self.answers:
            self.assertTrue(0 <= seconds < 60, seconds)

    def test_requests_are_logged_with_short_ids_and_without_query(self) -> None:
        token_id = "0123456789ab" + "c" * 52

        with capturedLogs() as events:
            self.send(self.request(f"GET /v1/tokens/{token_id}?token=s3cret"))

        (event,) = [event for event in events if "status" in event]
        self.assertEqual(
            formatEvent(event), "api 192.0.2.1 GET /v1/tokens/0123456789ab 404, request r1"
        )
        self.assertNotIn("s3cret", repr(events))
        self.assertNotIn(token_id, repr(events))

    def test_the_id_of_a_session_is_logged_whole(self) -> None:
        with capturedLogs() as events:
            self.send(self.request("DELETE /v1/sessions/7f3a0001c44be902?revoke=true"))

        (event,) = [event for event in events if "status" in event]
        self.assertEqual(
            formatEvent(event), "api 192.0.2.1 DELETE /v1/sessions/7f3a0001c44be902 404, request r1"
        )

    def test_caller_on_a_unix_socket_is_logged_as_such(self) -> None:
        self.peer = UNIXAddress(None)

        with capturedLogs() as events:
            self.send(self.request("GET /v1/vms"))

        (event,) = [event for event in events if "status" in event]
        self.assertEqual(formatEvent(event), "api unix socket GET /v1/vms 200, request r1")

    def test_what_may_be_a_token_at_the_wrong_port_is_not_logged(self) -> None:
        secret = "w_pEC0y-X7PS9uI6NDpxoPS9AcvGAdLDYbDOG5W84xy"
        with capturedLogs() as events:
            for path in (f"/websockify%3Ftoken={secret}", f"/v1/tokens/{secret}", f"/{secret}"):
                self.send(self.request(f"GET {path}"))

        self.assertEqual(len(events), 3)
        self.assertNotIn(secret[:12], str([formatEvent(event) for event in events]))

    def test_health_is_logged_only_when_it_is_bad(self) -> None:
        with capturedLogs() as events:
            self.send(self.request("GET /healthz"))
            self.send(self.request("GET /readyz"))
            self.sessions.full = ProxyStopping()
            self.send(self.request("GET /readyz"))

        logged = [formatEvent(event) for event in events if "status" in event]
        self.assertEqual(logged, ["api 192.0.2.1 GET /readyz 503, request r1"])
