"""The VNC server that ESXi before 7.0 runs for a machine whose ``RemoteDisplay.vnc`` is enabled.

Everything here blocks; it is called in a thread, through `Session`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pyVmomi import vmodl

from ...addresses import NOT_DIALLED
from ...errors import BackendError, ConsoleUnavailable, NoGraphicalConsole
from ...model import ConsoleEndpoint, RFBSecurity, Transport
from .address import place
from .connection import VSphere
from .errors import object_id
from .properties import Properties, read, read_these

_PREFIX = "remotedisplay.vnc."
_TRUE = ("true", "1", "yes", "on")
_LAST_WITH_VNC = 6
_POWERED_ON = "poweredOn"
_ADVICE = 'ESXi 7 and later have no VNC server, use console = "webmks"'


def vnc_endpoint(vsphere: VSphere, machine: Any, name: str) -> ConsoleEndpoint:
    """Return the VNC server of a machine that is on, at the host where it runs now.

    Raises:
        NoGraphicalConsole: it has none.
        ConsoleUnavailable: another machine of its host was removed meanwhile.
        BackendError: its host cannot be dialled, or another machine there has its port.
    """
    found = read(vsphere, machine, "config.extraConfig", "runtime.host")
    host = read(vsphere, found.required("runtime.host"), "name", "config.product.version", "vm")
    _check_version(name, host)
    port, password = vnc_settings(name, found.required("config.extraConfig"))
    _check_others(vsphere, machine, host.values.get("vm", ()), port)
    dialled = place(vsphere.settings, vsphere.is_single_host, host.required("name"))
    return ConsoleEndpoint(
        Transport.TCP,
        host=dialled.host,
        port=port,
        handshakes=(RFBSecurity(password or None),),
        name=name,
        allow_loopback=dialled.is_written,
    )


def _check_others(vsphere: VSphere, machine: Any, others: Sequence[Any], port: int) -> None:
    """Refuse a port that another running machine of the same host has: either may listen there.

    Ports are part of the machines' configuration. Machines that the account cannot see are not
    compared.
    """
    others = [each for each in others if each != machine]
    for other in _read(vsphere, others):
        if other.values.get("runtime.powerState") != _POWERED_ON:
            continue
        if _enabled_port(other.values.get("config.extraConfig", ())) == port:
            raise BackendError(
                f"{object_id(machine)} and {object_id(other.object)} have the same "
                f"RemoteDisplay.vnc.port {port} on one host: give each a port of its own",
                public=NOT_DIALLED,
            )


def _read(vsphere: VSphere, machines: Sequence[Any]) -> Sequence[Properties]:
    try:
        return read_these(vsphere, machines, "runtime.powerState", "config.extraConfig")
    except vmodl.fault.ManagedObjectNotFound as e:
        raise ConsoleUnavailable(
            "on a host whose machines are changing; try again in a moment",
            f"{object_id(e.obj)} is gone from the host, and its VNC port could not be compared",
        ) from e


def _enabled_port(options: Any) -> int:
    try:
        return vnc_settings("", options)[0]
    except NoGraphicalConsole:
        return 0


def vnc_settings(name: str, options: Any) -> tuple[int, str]:
    """Read port and password from a machine's extra configuration.

    Args:
        options: ``vim.option.OptionValue`` objects.

    Raises:
        NoGraphicalConsole: VNC is not enabled there, or without a port.
    """
    values = {
        each.key.lower().removeprefix(_PREFIX): str(each.value)
        for each in options
        if each.key.lower().startswith(_PREFIX)
    }
    if values.get("enabled", "").lower() not in _TRUE:
        raise NoGraphicalConsole(f"{name}: RemoteDisplay.vnc.enabled is not set; {_ADVICE}")
    return _port(name, values), values.get("password", "")


def _port(name: str, values: Mapping[str, str]) -> int:
    text = values.get("port", "")
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 65536):
        raise NoGraphicalConsole(f"{name}: RemoteDisplay.vnc.port is {text!r}, no TCP port")
    return int(text)


def _check_version(name: str, host: Properties) -> None:
    version = str(host.values.get("config.product.version", ""))
    major = version.partition(".")[0]
    if major.isdigit() and int(major) > _LAST_WITH_VNC:
        raise NoGraphicalConsole(f"{name} runs on ESXi {version}; {_ADVICE}")
