"""The backend's object; its calls to a vSphere are in tests/integration/test_vmware_backend."""

from __future__ import annotations

import sys
from typing import Any
from unittest.mock import patch

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.backends.vmware.test_settings import settings
from vncproxy.backends.vmware.backend import VMwareBackend
from vncproxy.errors import ConfigurationError
from vncproxy.interfaces import IConsoleBackend, IHasWarnings, IVMInventory
from vncproxy.testing import FakeCalls, backend_context


class BackendTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.calls = FakeCalls()

    def backend(self, **table: Any) -> VMwareBackend:
        return VMwareBackend(backend_context(settings(**table), self.calls, "vc"))

    def test_it_is_a_backend_with_an_inventory(self) -> None:
        backend = self.backend()
        self.assertTrue(verifyObject(IConsoleBackend, backend))
        self.assertTrue(verifyObject(IVMInventory, backend))
        self.assertTrue(verifyObject(IHasWarnings, backend))

    def test_without_the_client_library_one_sentence_says_what_to_install(self) -> None:
        loaded = {name: None for name in sys.modules if name.startswith("pyVmomi")}
        ours = [name for name in sys.modules if name.startswith("vncproxy.backends.vmware.")]
        with patch.dict(sys.modules, {"pyVmomi": None, **loaded}):
            for name in ours:
                del sys.modules[name]
            with self.assertRaises(ConfigurationError) as caught:
                self.backend()
        self.assertIn("need pyvmomi: pip install 'vncproxy[vmware]'", str(caught.exception))

    def test_closing_without_a_login_makes_no_call(self) -> None:
        backend = self.backend(host="127.0.0.1", port=1, timeout=3)
        self.successResultOf(Deferred.fromCoroutine(backend.close()))
        self.assertEqual(self.calls.limits, [3.0])

    def test_no_verification_is_warned_of(self) -> None:
        (told,) = VMwareBackend(
            backend_context(settings(verify=False), FakeCalls(), "vc")
        ).warnings()
        self.assertIn("verify = false, so anybody on the way to vc.example", told)
        self.assertEqual(self.backend().warnings(), [])
