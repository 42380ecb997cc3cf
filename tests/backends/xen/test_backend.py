"""The backend's object; its calls to a pool are in tests/integration/test_xen_backend."""

from __future__ import annotations

import sys
from typing import Any
from unittest.mock import patch

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.backends.xen.test_settings import settings
from vncproxy.backends.xen.backend import XenBackend
from vncproxy.errors import ConfigurationError, OverLimit, UpstreamRefused, UpstreamUntrusted
from vncproxy.interfaces import IConsoleBackend, IConsoleRecovery, IHasWarnings, IVMInventory
from vncproxy.testing import FakeCalls, backend_context


class BackendTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.calls = FakeCalls()

    def backend(self, **table: Any) -> XenBackend:
        return XenBackend(backend_context(settings(**table), self.calls, "pool"))

    def test_it_is_what_it_says(self) -> None:
        backend = self.backend()
        for interface in (IConsoleBackend, IConsoleRecovery, IVMInventory, IHasWarnings):
            self.assertTrue(verifyObject(interface, backend))

    def test_without_the_library_one_sentence_says_what_to_install(self) -> None:
        loaded = {name: None for name in sys.modules if name.startswith("XenAPI")}
        ours = [name for name in sys.modules if name.startswith("vncproxy.backends.xen.")]
        with patch.dict(sys.modules, {"XenAPI": None, **loaded}):
            for name in ours:
                del sys.modules[name]
            with self.assertRaises(ConfigurationError) as caught:
                self.backend()
        self.assertIn("need XenAPI: pip install 'vncproxy[xen]'", str(caught.exception))

    def test_closing_without_a_login_makes_no_call(self) -> None:
        backend = self.backend(url="https://127.0.0.1:1", timeout=3)
        self.successResultOf(Deferred.fromCoroutine(backend.close()))
        self.assertEqual(self.calls.limits, [3.0])

    def test_a_refusal_that_will_not_pass_is_put_in_words_without_asking(self) -> None:
        backend = self.backend()
        for refusal, expected in (
            (UpstreamRefused("CONNECT …", http_status=503), OverLimit),
            (UpstreamRefused("CONNECT …", http_status=403), UpstreamRefused),
            (UpstreamUntrusted("certificate …"), UpstreamUntrusted),
        ):
            asked = Deferred.fromCoroutine(backend.relocate("web-01", refusal))
            self.failureResultOf(asked, expected)
        self.assertEqual(self.calls.limits, [])

    def test_what_does_nothing_is_warned_of(self) -> None:
        (told,) = self.backend(plain_port=8080).warnings()
        self.assertIn("plain_port does nothing without plain_console", told)
        table = {"url": "http://xen1", "plain_console": True, "tls": {}, "old_ciphers": True}
        lines = [*self.backend(**table).warnings()][2:]
        self.assertEqual([line.split()[0] for line in lines], ["tls", "old_ciphers"])

    def test_what_is_not_safe_is_warned_of(self) -> None:
        self.assertEqual(self.backend().warnings(), [])
        (plain,) = self.backend(plain_console=True).warnings()
        self.assertIn("plain_console sends the session to the hosts without TLS", plain)
        (old,) = self.backend(old_ciphers=True).warnings()
        self.assertIn("RSA key exchange", old)
        (none,) = self.backend(tls={"verify": False}).warnings()
        self.assertIn("accepts any certificate", none)
