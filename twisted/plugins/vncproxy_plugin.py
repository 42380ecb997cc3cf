"""Makes ``twistd vncproxy`` and ``twist vncproxy`` known to Twisted."""

from twisted.application.service import ServiceMaker

vncproxy = ServiceMaker(
    "vncproxy",
    "vncproxy.tap",
    "A console gateway for virtual machines: noVNC and TCP viewers to any hypervisor.",
    "vncproxy",
)
