"""The backend's object; what it asks of a pool is in tests/integration/test_xen_backend."""

from __future__ import annotations

import sys
from unittest.mock import patch

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.backends.xen.test_settings import settings
from tests.doubles.blocking_calls import InlineCalls
from vncproxy.backends.xen.backend import XenBackend
from vncproxy.errors import ConfigurationError, OverLimit, UpstreamRefused, UpstreamUntrusted
from vncproxy.interfaces import IConsoleBackend, IConsoleRefusals, IHasWarnings, IVMInventory


class BackendTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.calls = InlineCalls()

    def test_it_is_what_it_says(self) -> None:
        backend = XenBackend("pool", settings(), self.calls)
        for interface in (IConsoleBackend, IConsoleRefusals, IVMInventory, IHasWarnings):
            self.assertTrue(verifyObject(interface, backend))

    def test_without_the_library_one_sentence_says_what_to_install(self) -> None:
        loaded = {name: None for name in sys.modules if name.startswith("XenAPI")}
        ours = [name for name in sys.modules if name.startswith("vncproxy.backends.xen.")]
        with patch.dict(sys.modules, {"XenAPI": None, **loaded}):
            for name in ours:
                del sys.modules[name]
            with self.assertRaises(ConfigurationError) as caught:
                XenBackend("pool", settings(), self.calls)
        self.assertIn("need XenAPI: pip install 'vncproxy[xen]'", str(caught.exception))

    def test_closing_without_a_login_asks_nobody(self) -> None:
        backend = XenBackend("pool", settings(url="https://127.0.0.1:1", timeout=3), self.calls)
        self.successResultOf(Deferred.fromCoroutine(backend.close()))
        self.assertEqual(self.calls.timeouts, [3.0])

    def test_a_refusal_that_will_not_pass_is_put_in_words_without_asking(self) -> None:
        backend = XenBackend("pool", settings(), self.calls)
        for refusal, expected in (
            (UpstreamRefused("CONNECT …", http_status=503), OverLimit),
            (UpstreamRefused("CONNECT …", http_status=403), UpstreamRefused),
            (UpstreamUntrusted("certificate …"), UpstreamUntrusted),
        ):
            asked = Deferred.fromCoroutine(backend.relocate("web-01", refusal))
            self.failureResultOf(asked, expected)
        self.assertEqual(self.calls.timeouts, [])

    def test_what_does_nothing_is_warned_of(self) -> None:
        (told,) = XenBackend("pool", settings(plain_port=8080), self.calls).warnings()
        self.assertIn("plain_port does nothing without plain_console", told)
        table = {"url": "http://xen1", "plain_console": True, "tls": {}, "old_ciphers": True}
        lines = [*XenBackend("pool", settings(**table), self.calls).warnings()][2:]
        self.assertEqual([line.split()[0] for line in lines], ["tls", "old_ciphers"])

    def test_what_is_not_safe_is_warned_of(self) -> None:
        self.assertEqual(XenBackend("pool", settings(), self.calls).warnings(), [])
        (plain,) = XenBackend("pool", settings(plain_console=True), self.calls).warnings()
        self.assertIn("plain_console sends the session to the hosts without TLS", plain)
        (old,) = XenBackend("pool", settings(old_ciphers=True), self.calls).warnings()
        self.assertIn("RSA key exchange", old)
        (none,) = XenBackend("pool", settings(tls={"verify": False}), self.calls).warnings()
        self.assertIn("accepts any certificate", none)
