from __future__ import annotations

import ssl
from http.client import BadStatusLine
from xmlrpc.client import Fault, ProtocolError

from twisted.trial.unittest import SynchronousTestCase
from XenAPI import Failure

from tests.backends.xen.test_settings import settings
from vncproxy.backends.xen.errors import clean, explain

NOWHERE = "https://127.0.0.1:1"


class TroubleTests(SynchronousTestCase):
    def explained(self, error: BaseException) -> str:
        return explain(error, settings(username="fred"), NOWHERE)

    def test_xapis_own_words_come_without_references(self) -> None:
        for details, words in (
            (["SESSION_AUTHENTICATION_FAILED", "fred", "x"], "the account 'fred' is refused"),
            (["RBAC_PERMISSION_DENIED", "VM.get_record", "x"], "no role that allows VM.get_record"),
            (["HOST_STILL_BOOTING"], "the host is still starting"),
            (["SESSION_INVALID", "OpaqueRef:12-ab"], "SESSION_INVALID, OpaqueRef"),
        ):
            told = self.explained(Failure(details))
            self.assertIn(words, told)
            self.assertNotIn("12-ab", told)

    def test_each_other_kind_has_words(self) -> None:
        for error, words in (
            (ProtocolError("x/", 302, "Found", {}), "HTTP status 302 Found; is this the address"),
            (ProtocolError("x/", 503, "Busy", {}), "HTTP status 503 Busy"),
            (Fault(3, "no such OpaqueRef:12-ab"), "fault 3: no such OpaqueRef"),
            (TimeoutError(), "no answer in time"),
            (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
            (OSError(), "OSError"),
            (BadStatusLine("RFB 003.008"), "not one of XAPI: BadStatusLine RFB 003.008"),
            (KeyError("power_state"), "not one of XAPI: KeyError 'power_state'"),
        ):
            told = self.explained(error)
            self.assertIn(words, told)
            self.assertNotIn("12-ab", told)

    def test_a_certificate_that_cannot_be_fetched_again(self) -> None:
        error = ssl.SSLCertVerificationError("bad")
        error.verify_message, error.verify_code = "self-signed certificate", 18
        told = self.explained(error)
        self.assertIn("the certificate is refused: self-signed certificate; configure", told)

    def test_text_from_outside_is_short_and_printable(self) -> None:
        self.assertEqual(clean("a\r\nb\x1b[31m\xe9"), "a??b?[31m?")
        self.assertEqual(len(clean("x" * 5000)), 300)
