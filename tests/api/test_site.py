from __future__ import annotations

from prometheus_client import Counter
from twisted.internet.testing import StringTransport
from twisted.web.test.requesthelper import DummyChannel

from vncproxy.api import api_site
from vncproxy.api.bodies import MAX_BODY
from vncproxy.api.site import BoundedRequest

from .world import ApiTestCase


class RoutingTests(ApiTestCase):
    def test_unknown_paths_are_not_found_in_json(self) -> None:
        for path in ("/", "/v1", "/v1/", "/v1/tokens/", "/v1//vms", "/v2/tokens", "/x"):
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

    def test_answers_are_not_sniffed(self) -> None:
        self.assertEqual(self.call("GET", "/v1/vms").headers["x-content-type-options"], "nosniff")

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

    def test_site_answers_a_body_that_is_too_long(self) -> None:
        transport = StringTransport()
        protocol = api_site(self.resource).buildProtocol(None)
        protocol.makeConnection(transport)

        protocol.dataReceived(
            b"POST /v1/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n"
            b"Authorization: Bearer " + self.key.encode() + b"\r\n\r\n" + b"x" * 200000
        )

        self.assertTrue(transport.value().startswith(b"HTTP/1.1 413 "), transport.value()[:80])
        protocol.connectionLost(None)
