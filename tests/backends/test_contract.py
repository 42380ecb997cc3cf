"""The contract that third parties run on their backends, on those that need no server."""

from __future__ import annotations

import libvirt
from twisted.trial.unittest import TestCase

from tests.components.fake_oned import FakeOned
from tests.doubles.opennebula import HOME, SESSION, Internet
from vncproxy.backends.libvirt import LibvirtBackend
from vncproxy.backends.opennebula import OpenNebulaBackend
from vncproxy.backends.static import StaticBackend
from vncproxy.testing import BackendContract, FakeCalls, backend_context


class StaticContractTests(BackendContract, TestCase):
    known_vm = "web"

    def make_backend(self) -> StaticBackend:
        table = {"consoles": {"web": {"address": "10.0.0.5:5901"}}}
        settings = StaticBackend.Settings.model_validate(table)
        return StaticBackend(backend_context(settings, FakeCalls()))


class LibvirtContractTests(BackendContract, TestCase):
    URI = "test:///default"
    UUID = "5a8cdc12-cb1d-4c80-aec7-fd6931ef4ccc"
    known_vm = UUID

    def setUp(self) -> None:
        driver = libvirt.open(self.URI)
        domain = driver.createXML(
            f"<domain type='test'><name>contract</name><uuid>{self.UUID}</uuid>"
            "<memory>8192</memory><os><type>hvm</type></os>"
            "<devices><graphics type='vnc' port='5901' listen='10.0.0.5'/></devices></domain>"
        )
        self.addCleanup(domain.destroy)

    def make_backend(self) -> LibvirtBackend:
        settings = LibvirtBackend.Settings.model_validate({"uri": self.URI})
        return LibvirtBackend(backend_context(settings, FakeCalls()))


class OpenNebulaContractTests(BackendContract, TestCase):
    unknown_vm = "404"

    def make_backend(self) -> OpenNebulaBackend:
        internet = Internet()
        internet.daemons[HOME] = FakeOned()
        table = {"endpoint": HOME, "session": SESSION}
        settings = OpenNebulaBackend.Settings.model_validate(table)
        return OpenNebulaBackend(backend_context(settings, FakeCalls()), internet)
