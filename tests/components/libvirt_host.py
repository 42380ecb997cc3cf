"""A real hypervisor for tests: libvirtd with small QEMU guests whose screens answer keys.

It is a daemon of the test run's own, unprivileged and in a temporary directory: runs never meet,
and the machine's libvirt, if there is one, is left alone.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Protocol, TypeVar
from xml.etree import ElementTree

import libvirt

from .ports import claim

T = TypeVar("T")

VNC_ON_LOOPBACK = "<graphics type='vnc' autoport='yes' listen='127.0.0.1'/>"

START_COLOUR = (0, 0, 168)
"""What a guest's whole screen shows once it has booted."""

KEY_COLOURS = {"1": (0, 255, 64), "2": (0, 255, 127), "4": (0, 255, 255)}
"""What it shows after a key. The screen is 720x400 at power-on, and 640x400 once booted."""

_TIME_LIMIT = 60.0

_DOMAIN = """
<domain type='qemu'><name>{name}</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type><boot dev='fd'/></os><features><acpi/></features>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
<disk type='file' device='floppy'><driver name='qemu' type='raw'/><source file='{image}'/>
<target dev='fda' bus='fdc'/><readonly/></disk>
{graphics}<video><model type='vga' vram='16384'/></video><memballoon model='none'/></devices>
</domain>"""


def until(condition: Callable[[], T], what: str, limit: float = _TIME_LIMIT) -> T:
    """Poll until a condition holds and return what it returned."""
    deadline = time.monotonic() + limit
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {limit:g} s")
        time.sleep(0.02)
    return result


def boot_sector() -> bytes:
    """Return a floppy image that fills the screen with a colour, and with another at each key."""
    setup = bytes.fromhex("31c0 8ed8 8ed0 bc007c fb b81300 cd10 6800a0 07 b001")
    fill_and_wait = bytes.fromhex("31ff b900fa f3aa 30e4 cd16")
    again = bytes([0xEB, -(len(fill_and_wait) + 2) & 0xFF])
    return ((setup + fill_and_wait + again).ljust(510, b"\0") + b"\x55\xaa").ljust(1474560, b"\0")


def modes_sector() -> bytes:
    """Return a floppy image that fills the screen with noise, and changes its mode at each key.

    The modes are text of 720x400, 640x480 with 16 and with 24 bits, 1024x768 with 256 colours,
    and 320x200 with 256 colours. The text does not blink.
    """
    setup = bytes.fromhex("31c0 8ed8 8ed0 bc007c fc be4c7c ad 09c0 74f8")
    set_mode = bytes.fromhex("89c3 b8024f cd10 b401 b90020 cd10")
    fill_and_wait = bytes.fromhex("b800a0 e80c00 b800b8 e80600 31c0 cd16 ebdb")
    fill = bytes.fromhex("8ec0 31ff 31c0 69c05562 051936 89c2 257f7f ab 89d0 09ff 75ed c3")
    modes = bytes.fromhex("0300 1101 1201 0501 1300 0000")
    code = setup + set_mode + fill_and_wait + fill + modes
    return (code.ljust(510, b"\0") + b"\x55\xaa").ljust(1474560, b"\0")


def _open(uri: str) -> Any:
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    return libvirt.open(uri)


def answers(uri: str) -> bool:
    """Return whether a libvirt can be connected to."""
    try:
        _open(uri)
    except libvirt.libvirtError:
        return False
    return True


def _own_ports() -> str:
    """Return settings with ports that no other daemon tries, for two that race may both fail."""
    first = next(each for each in range(10_000, 20_000, 100) if claim(f"displays-{each}"))
    return f"remote_display_port_min = {first}\nremote_display_port_max = {first + 99}\n"


class PrivateLibvirtd:
    """A libvirtd of an unprivileged user, with sockets, settings and guests in a directory.

    Args:
        qemu_conf: lines of its qemu.conf, such as ``vnc_tls = 1``.
    """

    def __init__(self, qemu_conf: str = "") -> None:
        self._user = "nobody" if os.geteuid() == 0 else None
        self.directory = Path(tempfile.mkdtemp(prefix="vncproxy-libvirt-"))
        self.directory.chmod(0o755)
        for name in ("run", "cache", "config/libvirt"):
            (self.directory / name).mkdir(parents=True)
        self.image = self.directory / "key.img"
        self.image.write_bytes(boot_sector())
        (self.directory / "config/libvirt/qemu.conf").write_text(
            'stdio_handler = "file"\n' + _own_ports() + qemu_conf
        )
        if self._user:
            for path in (self.directory, *self.directory.rglob("*")):
                shutil.chown(path, self._user)
        self.socket = self.directory / "run/libvirt/libvirt-sock"
        self.uri = f"qemu:///session?socket={self.socket}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> PrivateLibvirtd:
        """Run the daemon and wait until it answers."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "XDG_RUNTIME_DIR": str(self.directory / "run"),
            "XDG_CONFIG_HOME": str(self.directory / "config"),
            "XDG_CACHE_HOME": str(self.directory / "cache"),
        }
        with (self.directory / "libvirtd.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["/usr/sbin/libvirtd"],
                env=environment,
                cwd=self.directory,
                user=self._user,
                group="nogroup" if self._user else None,
                extra_groups=[] if self._user else None,
                stdout=log,
                stderr=log,
            )
        until(lambda: answers(self.uri), f"libvirtd, see {log.name}")
        return self

    def kill(self) -> None:
        """Kill the daemon without warning; its guests go on."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(_TIME_LIMIT)
        self._process = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let the daemon answer nothing for a while, as on a machine that hangs."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End daemon and guests, and remove the directory."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(_TIME_LIMIT)
        # quicker than asking libvirt, which waits for each of them in turn
        for file in (self.directory / "run/libvirt/qemu/run").glob("*.pid"):
            with suppress(ProcessLookupError):
                os.kill(int(file.read_text()), signal.SIGKILL)
        shutil.rmtree(self.directory)


class Host(Protocol):
    """A hypervisor on which a guest can run."""

    @property
    def uri(self) -> str:
        """Its libvirt's URI."""

    @property
    def image(self) -> Path:
        """The boot sector, where its QEMU can read it."""


class Guest:
    """A small machine that boots within a second, idles at no cost and answers keys in colours.

    Args:
        host: where it runs.
        name: made unique by the process id, see the attribute ``name``.
        graphics: its graphics devices as XML.
        password: given to its VNC device.
        image: its floppy, if it is to run something else than `boot_sector`.
        waits: milliseconds for which its firmware waits before it boots.
    """

    def __init__(
        self,
        host: Host,
        name: str,
        graphics: str = VNC_ON_LOOPBACK,
        password: str | None = None,
        image: Path | None = None,
        waits: int = 0,
    ) -> None:
        self._image = image
        self._waits = waits
        self.host = host
        self.name = f"{name}-{os.getpid()}"
        self._graphics = graphics
        self._password = password

    def start(self) -> Guest:
        """Define the machine and power it on."""
        _open(self.host.uri).defineXML(self._xml())
        self.power_on()
        return self

    def destroy(self) -> None:
        """Power it off and let it be unknown."""
        domain = self.domain()
        with suppress(libvirt.libvirtError):  # it may be off, or about to be
            domain.destroy()
        domain.undefine()

    def power_on(self) -> None:
        """Start the defined machine."""
        self.domain().create()

    def power_off(self) -> None:
        """Pull the plug; it stays defined."""
        self.domain().destroy()

    def domain(self) -> Any:
        """Return its ``virDomain`` on a connection of its own, for everything else."""
        return _open(self.host.uri).lookupByName(self.name)

    @property
    def uuid(self) -> str:
        """Its UUID, while it is defined."""
        return str(self.domain().UUIDString())

    def graphics(self, index: int = 0) -> dict[str, str]:
        """Return the attributes of a graphics device in the live XML."""
        xml = self.domain().XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE)
        return ElementTree.fromstring(xml).findall("devices/graphics")[index].attrib

    def _xml(self) -> str:
        image = self._image or self.host.image
        text = _DOMAIN.format(name=self.name, image=image, graphics=self._graphics)
        domain = ElementTree.fromstring(text)
        if self._waits:
            system = domain.find("os")
            assert system is not None
            ElementTree.SubElement(system, "bootmenu", enable="yes", timeout=str(self._waits))
        if self._password is not None:
            for device in domain.iterfind("devices/graphics[@type='vnc']"):
                device.set("passwd", self._password)
        return ElementTree.tostring(domain, encoding="unicode")


@cache
def private_libvirtd() -> PrivateLibvirtd:
    """Return the private libvirtd that this test run shares; stopped when the process ends."""
    host = PrivateLibvirtd()
    atexit.register(host.stop)
    return host.start()
