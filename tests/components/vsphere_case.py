"""The VMware backend with real threads, and a simulated vSphere."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeVar

from pyVmomi import vim
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from tests.components.vsphere import (
    ANY_HOST,
    PASSWORD,
    VSphere,
    shared_vsphere,
)
from vncproxy.backends.vmware.backend import VMwareBackend
from vncproxy.backends.vmware.settings import VMwareSettings
from vncproxy.blocking import BoundedCalls
from vncproxy.errors import (
    VNCProxyError,
)
from vncproxy.testing import backend_context

E = TypeVar("E", bound=VNCProxyError)


NAME = "DC0_H0_VM0"


class BackendCase(TestCase):
    """A backend with real threads."""

    timeout = 300

    def setUp(self) -> None:
        self.vsphere = shared_vsphere()
        self.esx_certificate, _ = self.vsphere.authority.issue("esx.example")
        target = {"Host": "esx.example", "Port": 9443, "Certificate": self.esx_certificate}
        self.vsphere.consoles(**{ANY_HOST: target})
        self.backend = self.backend_of()

    def backend_of(self, vsphere: VSphere | None = None, **more: Any) -> VMwareBackend:
        calls = BoundedCalls(reactor, reactor, threads=4, waiting=8)  # type: ignore[arg-type]
        self.addCleanup(calls.close)
        settings = VMwareSettings.model_validate((vsphere or self.vsphere).table(**more))
        backend = VMwareBackend(backend_context(settings, calls, "vc"))
        self.addCleanup(lambda: Deferred.fromCoroutine(backend.close()))
        return backend

    async def failure(self, answer: Awaitable[object], kind: type[E]) -> E:
        try:
            await answer
        except kind as e:
            self.assertNotIn(PASSWORD, repr(e) + str(e.__cause__))
            return e
        raise AssertionError(f"{kind.__name__} not raised")


def _hosts(service: Any, name: str) -> list[Any]:
    content = service.content
    view = content.viewManager.CreateContainerView(content.rootFolder, [vim.ComputeResource], True)
    return [each for each in view.view if each.name == name]
