"""Reads the VNC console from the live XML of a domain (libvirt domain XML, graphics)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

_AUTO = -1


@dataclass(frozen=True, slots=True)
class VNCGraphics:
    """The first VNC device of a domain.

    Attributes:
        index: its place among all graphics devices, SPICE included, as libvirt counts them.
        port: TCP port; -1 when QEMU is to choose one and has not yet, 0 when there is none.
        address: where it listens on TCP; empty when it is not in the XML.
        socket: path of the unix socket where it listens instead; empty when there is none.
        password: None when no password is set; an empty one means that QEMU refuses every viewer.
        valid_to: until when QEMU accepts the password; None for no limit.
    """

    index: int
    port: int = 0
    address: str = ""
    socket: str = ""
    password: str | None = field(default=None, repr=False)
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class DomainXML:
    """The part of a domain's XML that matters for its console.

    Attributes:
        name: the domain's name.
        active: whether this is the XML of a running domain, which alone has the ports in use.
        vnc: its first VNC device.
        others: the types of its other graphics devices.
    """

    name: str
    active: bool
    vnc: VNCGraphics | None
    others: tuple[str, ...] = ()


def parse_domain(text: str) -> DomainXML:
    """Read what ``virDomainGetXMLDesc`` returned, with the secure flag for the password.

    Raises:
        ValueError: it is not the XML of a domain.
    """
    try:
        domain = ElementTree.fromstring(text)  # noqa: S314 - the hypervisor's own answer
        return DomainXML(
            name=domain.findtext("name", ""),
            active="id" in domain.attrib,
            vnc=_first_vnc(domain.findall("devices/graphics")),
            others=tuple(
                kind
                for each in domain.iterfind("devices/graphics")
                if (kind := each.get("type", "")) != "vnc"
            ),
        )
    except ElementTree.ParseError as e:
        raise ValueError(f"not XML: {e}") from e


def _first_vnc(devices: list[Element]) -> VNCGraphics | None:
    for index, device in enumerate(devices):
        if device.get("type") == "vnc":
            return _vnc(index, device)
    return None


def _vnc(index: int, device: Element) -> VNCGraphics:
    login: dict[str, Any] = {"password": device.get("passwd"), "valid_to": _valid_to(device)}
    if socket := _socket(device):
        return VNCGraphics(index, socket=socket, **login)
    if _kinds(device) & {"none", "socket"}:
        return VNCGraphics(index, **login)
    port = int(device.get("port", _AUTO))
    return VNCGraphics(index, port=port, address=_address(device), **login)


def _valid_to(device: Element) -> datetime | None:
    """Return ``passwdValidTo``, which libvirt writes in UTC and without a zone."""
    text = device.get("passwdValidTo")
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None


def _kinds(device: Element) -> set[str]:
    return {listen.get("type", "") for listen in device.iterfind("listen")}


def _socket(device: Element) -> str:
    """Return the path of the unix socket; the attribute makes listen elements meaningless."""
    if path := device.get("socket"):
        return path
    paths = [each.get("socket", "") for each in device.iterfind("listen[@type='socket']")]
    return next(filter(None, paths), "")


def _address(device: Element) -> str:
    """Return the address of the first listen element that has one, else the old attribute."""
    found = [
        each.get("address", "")
        for each in device.iterfind("listen")
        if each.get("type") in ("address", "network")
    ]
    return next(filter(None, found), device.get("listen", ""))
