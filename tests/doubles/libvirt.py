"""The libvirt backend over libvirt's own test driver."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeVar

import libvirt
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.hypervisors_here import all_ports_listen
from vncproxy.backends.libvirt.backend import LibvirtBackend
from vncproxy.backends.libvirt.settings import LibvirtSettings
from vncproxy.model import ConsoleEndpoint
from vncproxy.testing import FakeCalls, backend_context

T = TypeVar("T")


URI = "test:///default"


UUID = "1a8cdc12-cb1d-4c80-aec7-fd6931ef4ccc"


VNC = "<graphics type='vnc' port='5901' listen='127.0.0.1' passwd='s3cret'/>"


class LibvirtCase(SynchronousTestCase):
    """A backend over the test driver, whose domains all connections of a process share."""

    def setUp(self) -> None:
        all_ports_listen(self)
        self.driver = libvirt.open(URI)
        self.calls = FakeCalls()
        self.backend = self.backend_of()

    def backend_of(self, **table: object) -> LibvirtBackend:
        settings = LibvirtSettings.model_validate({"uri": URI, **table})
        return LibvirtBackend(backend_context(settings, self.calls, "kvm"))

    def domain(self, graphics: str = VNC, name: str = "web", uuid: str = UUID) -> Any:
        """Define a domain and start it."""
        domain = self.driver.defineXML(
            f"<domain type='test'><name>{name}</name><uuid>{uuid}</uuid><memory>8192</memory>"
            f"<os><type>hvm</type></os><devices>{graphics}</devices></domain>"
        )
        self.addCleanup(domain.undefine)
        domain.create()
        self.addCleanup(lambda: domain.isActive() and domain.destroy())
        return domain

    def result(self, answer: Awaitable[T]) -> T:
        return self.successResultOf(Deferred.fromCoroutine(answer))  # type: ignore[arg-type]

    def failure(self, answer: Awaitable[object], kind: type[T]) -> T:
        deferred: Deferred[object] = Deferred.fromCoroutine(answer)  # type: ignore[arg-type]
        error = self.failureResultOf(deferred).value
        assert isinstance(error, kind), repr(error)
        return error

    def locate(self, vm: str) -> ConsoleEndpoint:
        return self.result(self.backend.locate(vm))


def _error(code: int, text: str) -> libvirt.libvirtError:
    error = libvirt.libvirtError(text)
    error.err = (code, libvirt.VIR_FROM_RPC, text, libvirt.VIR_ERR_ERROR, "", "", "", -1, -1)
    return error
