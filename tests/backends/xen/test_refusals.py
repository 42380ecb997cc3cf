from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.backends.xen.refusals import explain, may_pass
from vncproxy.errors import (
    ConsoleUnavailable,
    NoGraphicalConsole,
    OverLimit,
    UpstreamClosed,
    UpstreamRefused,
    UpstreamUntrusted,
    UpstreamViolation,
    VNCProxyError,
)


def refused(status: int) -> UpstreamRefused:
    return UpstreamRefused(f"CONNECT answered with HTTP/1.1 {status}", http_status=status)


class RefusalTests(SynchronousTestCase):
    def test_each_status_has_its_meaning(self) -> None:
        kinds: dict[int, tuple[type[VNCProxyError], str]] = {
            302: (UpstreamRefused, "a redirection, which is not followed"),
            401: (UpstreamRefused, "does not know a session that is new"),
            403: (UpstreamRefused, "the account 'fred' may not open consoles"),
            404: (NoGraphicalConsole, "the console has no port on its host"),
            418: (UpstreamRefused, "HTTP/1.1 418"),
            500: (ConsoleUnavailable, "does not run on the host that XAPI names"),
            503: (OverLimit, "limit_console_sessions"),
        }
        for status, (kind, words) in kinds.items():
            with self.subTest(status=status):
                meaning = explain(refused(status), "fred")
                self.assertIs(type(meaning), kind)
                self.assertIn(f"CONNECT answered with HTTP/1.1 {status}", str(meaning))
                self.assertIn(words, str(meaning))

    def test_closed_without_a_word(self) -> None:
        meaning = explain(UpstreamClosed("closed after 0 bytes"), "fred")
        self.assertIs(type(meaning), UpstreamClosed)
        self.assertIn("console backend closed: closed after 0 bytes", str(meaning))

    def test_closed_before_a_status_line(self) -> None:
        meaning = explain(UpstreamClosed("closed after 0 bytes", before_reply=True), "fred")
        self.assertIs(type(meaning), UpstreamClosed)
        self.assertIn("xapi behind it does not answer: it is down", str(meaning))

    def test_anything_else_stays_what_it_is(self) -> None:
        for refusal in (UpstreamUntrusted("a certificate"), UpstreamViolation("no RFB")):
            meaning = explain(refusal, "fred")
            self.assertIs(type(meaning), type(refusal))
            self.assertIsNot(meaning, refusal)
            self.assertEqual(str(meaning), str(refusal))

    def test_what_may_have_changed_is_asked_for_again(self) -> None:
        again = [
            status for status in (302, 400, 401, 403, 404, 500, 503) if may_pass(refused(status))
        ]
        self.assertEqual(again, [401, 404, 500])
        self.assertTrue(may_pass(UpstreamClosed()))
        self.assertFalse(may_pass(UpstreamUntrusted()))
        self.assertFalse(may_pass(UpstreamRefused("VNC authentication failed")))
