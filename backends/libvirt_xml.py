"""What the live XML of a domain says about its VNC console (libvirt domain XML, graphics)."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

_AUTO = -1


@dataclass(frozen=True, slots=True)
class VNCGraphics:
    """The first VNC device of a domain.

    Attributes:
        index: its place among all graphics devices, SPICE included, as libvirt counts them.
        port: TCP port; -1 when it was to be chosen and is not, 0 when there is none.
        address: where it listens on TCP; empty when the XML does not tell.
        socket: path of the unix socket where it listens instead; empty when there is none.
        password: None when no password is set; an empty one means that QEMU refuses everybody.
    """

    index: int
    port: int = 0
    address: str = ""
    socket: str = ""
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class DomainXML:
    """The part of a domain's XML that matters for its console.

    Attributes:
        name: the domain's name.
        active: whether this is the XML of a running domain: only there ports are the real ones.
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
    password = device.get("passwd")
    if socket := _socket(device):
        return VNCGraphics(index, socket=socket, password=password)
    if _kinds(device) & {"none", "socket"}:
        return VNCGraphics(index, password=password)
    return VNCGraphics(
        index,
        port=int(device.get("port", _AUTO)),
        address=_address(device),
        password=password,
    )


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
