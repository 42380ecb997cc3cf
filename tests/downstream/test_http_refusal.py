"""The response that refuses a request outside of twisted.web."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.downstream.http_refusal import http_refusal


class HTTPRefusalTests(SynchronousTestCase):
    def test_the_sentence_is_in_the_status_line_and_in_the_body(self) -> None:
        self.assertEqual(
            http_refusal(404, "There is no such machine."),
            b"HTTP/1.1 404 There is no such machine.\r\nContent-Type: text/plain\r\n"
            b"Content-Length: 26\r\nConnection: close\r\n\r\nThere is no such machine.\n",
        )

    def test_a_sentence_cannot_end_its_line(self) -> None:
        refusal = http_refusal(502, "no\r\nSet-Cookie: a=b\r\n\r\nconsole: \xfc")

        self.assertEqual(
            refusal.partition(b"\r\n")[0], b"HTTP/1.1 502 no Set-Cookie: a=b console: ?"
        )
        self.assertEqual(refusal.partition(b"\r\n\r\n")[2], b"no Set-Cookie: a=b console: ?\n")

    def test_further_headers_follow(self) -> None:
        header = http_refusal(400, "No.", "Server: vncproxy").partition(b"\r\n\r\n")[0]

        self.assertIn(b"Server: vncproxy", header.split(b"\r\n"))
        self.assertNotIn(b"Retry-After", header)

    def test_the_time_to_retry_is_random_within_its_limit(self) -> None:
        refusals = [http_refusal(503, "Busy.", retry_after=3) for _ in range(99)]
        lines = {refusal.split(b"\r\n")[4] for refusal in refusals}

        self.assertEqual(lines, {b"Retry-After: %d" % seconds for seconds in (1, 2, 3)})
