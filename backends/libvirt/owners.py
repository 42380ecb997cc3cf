"""Whose domains are, as their XML says it in ``metadata`` (libvirt domain XML, general metadata).

Nova writes the project of a server there, and operators what they like; nothing else of it is read:
a server's name, its flavor and its image's properties are texts of tenants.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import libvirt

from ...errors import BackendError
from ...model import Ownership
from ..uuids import uuid_of
from .connection import VirConnect

OURS: Final = "urn:vncproxy:machine"
"""The namespace of ``<machine project="…"><tag>…</tag></machine>``, which operators write."""

NOVAS: Final = tuple(f"http://openstack.org/xmlns/libvirt/nova/1.{n}" for n in (1, 0))


@dataclass(frozen=True, slots=True)
class DomainOwner:
    """The owner of a domain on one host, and whether the domain is active there."""

    owner: Ownership
    active: bool


def agreed(answers: Iterable[Mapping[str, DomainOwner]]) -> Mapping[str, Ownership]:
    """Return the owners by UUID from the answers of all hosts.

    A host from which a machine was moved may have an old definition of it, which counts only where
    the machine is active nowhere. Where hosts disagree, the owner is not known.
    """
    known: dict[str, list[DomainOwner]] = {}
    for answer in answers:
        for uuid, each in answer.items():
            known.setdefault(uuid, []).append(each)
    return {uuid: _agreed(each) for uuid, each in known.items()}


def _agreed(known: Sequence[DomainOwner]) -> Ownership:
    active = [each for each in known if each.active]
    found = {each.owner for each in active or known}
    return found.pop() if len(found) == 1 else Ownership()


def owners(connection: VirConnect, uuids: Sequence[str]) -> Mapping[str, DomainOwner]:
    """Return the owners of domains by UUID, without those that are not defined here.

    Raises:
        BackendError: the XML of one cannot be understood.
        libvirtError: libvirt failed in another way.
    """
    found = {}
    for uuid in filter(uuid_of, uuids):
        try:
            xml = connection.lookupByUUIDString(uuid).XMLDesc()
        except libvirt.libvirtError as e:
            if e.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                raise
            continue
        found[uuid] = parse_owner(xml)
    return found


def parse_owner(text: str) -> DomainOwner:
    """Read the owner from a domain's XML; what operators write there goes before Nova's.

    Raises:
        BackendError: it is not XML.
    """
    try:
        domain = ElementTree.fromstring(text)  # noqa: S314 - the hypervisor's own answer
    except ElementTree.ParseError as e:
        raise BackendError(f"the XML of a domain cannot be understood: {e}") from e
    ours = domain.find(f"metadata/{{{OURS}}}machine")
    project = "" if ours is None else ours.get("project", "")
    owner = Ownership(project or _novas_project(domain), _tags(ours))
    return DomainOwner(owner, "id" in domain.attrib)


def _novas_project(domain: Element) -> str:
    paths = (f"metadata/{{{n}}}instance/{{{n}}}owner/{{{n}}}project" for n in NOVAS)
    found = (domain.find(path) for path in paths)
    return next((each.get("uuid", "") for each in found if each is not None), "")


def _tags(ours: Element | None) -> frozenset[str]:
    """Return the tags; ``virsh metadata`` leaves them outside of the namespace."""
    if ours is None:
        return frozenset()
    elements = [*ours.iterfind("tag"), *ours.iterfind(f"{{{OURS}}}tag")]
    return frozenset(filter(None, ((each.text or "").strip() for each in elements)))
