"""Whose a domain is: as Nova writes it, as operators write it, and never as a tenant does."""

from __future__ import annotations

import libvirt
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.backends.libvirt.test_cluster import DB, DOWN, WEB, ClusterCase
from tests.doubles.libvirt import UUID, LibvirtCase
from vncproxy.backends.libvirt.owners import DomainOwner, agreed, parse_owner
from vncproxy.errors import BackendError
from vncproxy.interfaces import IMachineOwners
from vncproxy.model import Ownership

NOVA = """
<nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.1">
  <nova:package version="34.0.0"/>
  <nova:name>web-01</nova:name>
  <nova:creationTime>2026-11-28 20:00:00</nova:creationTime>
  <nova:flavor name="m1.small" id="1"><nova:memory>2048</nova:memory>
    <nova:extraSpecs><nova:extraSpec name="owner">other</nova:extraSpec></nova:extraSpecs>
  </nova:flavor>
  <nova:image uuid="i"><nova:properties>
    <nova:property name="project"><nova:project uuid="stolen"/></nova:property>
  </nova:properties></nova:image>
  <nova:owner>
    <nova:user uuid="5f03">alice</nova:user>
    <nova:project uuid="f20d8b52">web</nova:project>
  </nova:owner>
</nova:instance>
"""
"""As Nova 34 writes it; a tenant's texts are its name and the properties of its image."""

OURS = """
<vncproxy:machine xmlns:vncproxy="urn:vncproxy:machine" project="p1">
  <tag>console</tag><vncproxy:tag> lab </vncproxy:tag><tag/>
</vncproxy:machine>
"""


def owner(metadata: str, attributes: str = "") -> Ownership:
    xml = f"<domain type='kvm'{attributes}><metadata>{metadata}</metadata></domain>"
    return parse_owner(xml).owner


class ParsingTests(SynchronousTestCase):
    def test_the_project_of_a_server_of_nova(self) -> None:
        self.assertEqual(owner(NOVA), Ownership("f20d8b52"))
        self.assertEqual(owner(NOVA.replace("nova/1.1", "nova/1.0")), Ownership("f20d8b52"))

    def test_what_operators_write(self) -> None:
        self.assertEqual(owner(OURS), Ownership("p1", frozenset({"console", "lab"})))

    def test_what_operators_write_goes_before_what_nova_writes(self) -> None:
        self.assertEqual(owner(NOVA + OURS).project, "p1")
        tagged = OURS.replace(' project="p1"', "")
        self.assertEqual(owner(NOVA + tagged), Ownership("f20d8b52", frozenset({"console", "lab"})))

    def test_an_owner_elsewhere_is_none(self) -> None:
        inner = "<nova:owner xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'>"
        inner += "<nova:project uuid='stolen'>x</nova:project></nova:owner>"
        for metadata in (
            inner,
            f"<x>{OURS}</x>",
            OURS.replace("urn:vncproxy:machine", "urn:other"),
            NOVA.replace("http://openstack.org", "http://elsewhere.org"),
            NOVA.partition("<nova:owner>\n")[0] + "</nova:instance>",
        ):
            with self.subTest(metadata=metadata):
                self.assertEqual(owner(metadata), Ownership())
        self.assertEqual(parse_owner("<domain/>"), DomainOwner(Ownership(), active=False))

    def test_no_xml(self) -> None:
        self.assertRaises(BackendError, parse_owner, "<domain")


class AgreementTests(SynchronousTestCase):
    def test_the_host_where_a_machine_runs_knows_better(self) -> None:
        old, new = DomainOwner(Ownership("old"), False), DomainOwner(Ownership("new"), True)
        self.assertEqual(agreed([{"u": old}, {"u": new}]), {"u": Ownership("new")})

    def test_hosts_that_disagree_know_nothing(self) -> None:
        for active in (True, False):
            one, other = (DomainOwner(Ownership(each), active) for each in "ab")
            self.assertEqual(agreed([{"u": one}, {"u": other}, {"u": one}]), {"u": Ownership()})


class BackendTests(LibvirtCase):
    def test_it_knows_owners(self) -> None:
        self.assertTrue(verifyObject(IMachineOwners, self.backend))

    def test_owners_by_uuid_alone(self) -> None:
        domain = self.domain()
        kind = libvirt.VIR_DOMAIN_METADATA_ELEMENT
        text = '<machine project="p1"><tag>console</tag></machine>'
        domain.setMetadata(kind, text, "vncproxy", "urn:vncproxy:machine", 1)

        found = self.result(self.backend.owners([UUID, DB, "web", "\ud800"]))

        self.assertEqual(found, {UUID: Ownership("p1", frozenset({"console"}))})


class ClusterTests(ClusterCase):
    def hosts(self) -> list[str]:
        return [self.host(_domain("web", WEB, "a")), self.host(_domain("db", DB, "b"))]

    def test_machines_of_several_hosts(self) -> None:
        backend = self.backend(*self.hosts())
        found = self.result(backend.owners([WEB, DB]))
        self.assertEqual(found, {WEB: Ownership("a"), DB: Ownership("b")})

    def test_a_host_that_is_down_may_have_the_machine(self) -> None:
        backend = self.backend(*self.hosts(), DOWN)
        self.result(backend.owners([WEB, DB]))
        self.failure(backend.owners([WEB, "3a8cdc12-cb1d-4c80-aec7-fd6931ef4ccc"]), BackendError)


def _domain(name: str, uuid: str, project: str) -> str:
    metadata = OURS.replace("p1", project).replace("<tag>console</tag>", "").replace(" lab ", "")
    return (
        f"<domain type='test'><name>{name}</name><uuid>{uuid}</uuid><memory>8192</memory>"
        f"<metadata>{metadata}</metadata><os><type>hvm</type></os></domain>"
    )
