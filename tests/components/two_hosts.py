"""Two hypervisor hosts on one machine, between which guests are moved while they run.

Each host has namespaces of its own for network, mounts, host name and processes, and a libvirtd
that keeps everything in memory there. A bridge joins both and this machine; nothing is forwarded,
and their network is unreachable by any other way. Needs root, and iproute2.
"""

from __future__ import annotations

import atexit
import itertools
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from functools import cache
from ipaddress import IPv4Network
from pathlib import Path
from uuid import uuid4

import libvirt

from .libvirt_host import Guest, answers, boot_sector, until

_START_LIMIT = 90.0
_NETWORKS = IPv4Network("10.199.0.0/16")

_BOOT = """
set -e
hostname "$0"
for folder in /etc/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt /run; do
    mount -t tmpfs -o mode=755 tmpfs "$folder"
done
cp "$1/libvirtd.conf" "$1/qemu.conf" /etc/libvirt
# the shell stays, to be the init process that reaps what libvirtd leaves
/usr/sbin/libvirtd --listen &
wait $!
"""

_LIBVIRTD_CONF = """
listen_tls = 0
listen_tcp = 1
listen_addr = "{address}"
auth_tcp = "none"
auth_unix_rw = "none"
host_uuid = "{uuid}"
"""

_QEMU_CONF = """
security_driver = "none"
stdio_handler = "file"
cgroup_controllers = []
"""


def ip(*arguments: str) -> str:
    """Run ``ip`` and return what it printed; the error contains what it printed when it fails."""
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


class NetworkedHost:
    """A libvirtd at an address of its own.

    Args:
        name: of the host and its network namespace, which must exist.
        address: of the host.
        image: the guests' boot sector.
        folder: for its settings and log.
    """

    def __init__(self, name: str, address: str, image: Path, folder: Path) -> None:
        self.name, self.address, self.image = name, address, image
        self.uri = f"qemu+tcp://{address}/system"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run the daemon and wait until it answers."""
        self._folder.mkdir(exist_ok=True)
        settings = _LIBVIRTD_CONF.format(address=self.address, uuid=uuid4())
        (self._folder / "libvirtd.conf").write_text(settings)
        (self._folder / "qemu.conf").write_text(_QEMU_CONF)
        isolated = ["unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child"]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *("setpriv", "--pdeathsig", "KILL"),
                    *("ip", "netns", "exec", self.name, *isolated, "--mount-proc"),
                    *("sh", "-c", _BOOT, self.name, str(self._folder)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until(self._is_up, f"libvirtd of {self.name}", _START_LIMIT)
        # it tries out its QEMU when it is first asked, for longer than a backend waits
        # while the machine is busy
        with closing(libvirt.open(self.uri)) as connection:
            connection.getVersion()

    def stop(self) -> None:
        """End the daemon; the kernel ends all else in its process namespace, guests included."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(_START_LIMIT)
            self._process = None
        until(lambda: not self._pids(), f"the end of {self.name}")

    def program(self) -> list[str]:
        """Return words for before a program so that it runs on this host.

        It has the host's network, name and libvirt, and the files of this machine; it keeps its
        process id.
        """
        pid = next(each for each in self._pids() if _is_init(each))
        show_libvirt = (
            "mkdir -p /run/libvirt && mount -t tmpfs tmpfs /run/libvirt "
            f"&& ln -s /proc/{pid}/root/run/libvirt/libvirt-sock /run/libvirt && "
            'exec "$@"'
        )
        inside = ["nsenter", f"--target={pid}", "--uts", "--net"]
        return [*inside, "unshare", "--mount", "sh", "-c", show_libvirt, "sh"]

    def _is_up(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(
                f"{self.name} did not start; are namespaces permitted here?\n"
                + (self._folder / "log").read_text(errors="replace")
            )
        return answers(self.uri)

    def _pids(self) -> list[int]:
        return [int(each) for each in ip("netns", "pids", self.name).split()]


class TwoHosts:
    """Two hosts, the bridge that joins them, and the network that leads nowhere else.

    Attributes:
        first: a host.
        second: another one.
        bridge: the device that joins them.
        own_address: of this machine on their network.
        free_address: another one, which no machine has.
    """

    def __init__(self) -> None:
        if os.geteuid():
            raise PermissionError("two hosts need network namespaces, which need root")
        self._undo = ExitStack()
        with ExitStack() as on_failure:
            on_failure.callback(self._undo.close)
            self.first, self.second = self._start()
            on_failure.pop_all()

    def stop(self) -> None:
        """End both hosts with all their guests, and remove the network."""
        self._undo.close()

    def _start(self) -> tuple[NetworkedHost, NetworkedHost]:
        folder = self._undo.enter_context(tempfile.TemporaryDirectory(prefix="two-hosts-"))
        Path(folder).chmod(0o755)
        image = Path(folder) / "key.img"
        image.write_bytes(boot_sector())
        addresses = (f"{each}" for each in take_network(self._undo).hosts())
        own = self.own_address = next(addresses)
        self.free_address = next(addresses)
        bridge = self.bridge = f"vb{os.getpid()}"
        self._add("link", bridge, "type", "bridge")
        ip("address", "add", f"{own}/29", "dev", bridge)
        self._up(bridge)
        first, second = (
            self._host(f"v{letter}{os.getpid()}", next(addresses), bridge, image) for letter in "ab"
        )
        return first, second

    def _host(self, name: str, address: str, bridge: str, image: Path) -> NetworkedHost:
        self._add("netns", name)
        self._add("link", f"{name}b", "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("link", "set", f"{name}b", "master", bridge)
        self._up(f"{name}b")
        ip("-n", name, "address", "add", f"{address}/29", "dev", "eth0")
        for device in ("lo", "eth0"):
            ip("-n", name, "link", "set", device, "up")
        host = NetworkedHost(name, address, image, image.parent / name)
        self._undo.callback(host.stop)
        host.start()
        return host

    @staticmethod
    def _up(device: str) -> None:
        """Begin to use a device, without an address of IPv6 that would come a while later.

        Browsers break off what they load when this machine gets another address.
        """
        ip("link", "set", device, "addrgenmode", "none")
        ip("link", "set", device, "up")

    def _add(self, kind: str, name: str, *more: str) -> None:
        ip(kind, "add", name, *more)
        self._undo.callback(ip, kind, "del", name)


def take_network(undo: ExitStack) -> IPv4Network:
    """Take a network that no other run has, and see that nothing to it leaves this machine.

    Args:
        undo: gives it back.
    """
    for network in _candidates():
        try:
            ip("route", "add", "unreachable", str(network), "metric", "4000")
        except RuntimeError as e:
            if "File exists" not in str(e):
                raise
            continue
        undo.callback(ip, "route", "del", "unreachable", str(network), "metric", "4000")
        return network
    raise AssertionError("no network is free")


def migrate(guest: Guest, target: NetworkedHost) -> None:
    """Move a running guest to another host; on its old host it stays defined, shut off."""
    flags = libvirt.VIR_MIGRATE_LIVE | libvirt.VIR_MIGRATE_PEER2PEER
    # the address is given, because the hosts cannot resolve each other's names
    where = {libvirt.VIR_MIGRATE_PARAM_URI: f"tcp://{target.address}"}
    guest.domain().migrateToURI3(target.uri, where, flags | libvirt.VIR_MIGRATE_PERSIST_DEST)
    guest.host = target


def _is_init(pid: int) -> bool:
    """Return whether a process is the first one of a namespace of its own."""
    status = Path(f"/proc/{pid}/status").read_text()
    ids = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()
    return len(ids) > 2 and ids[-1] == "1"


def _candidates() -> Iterator[IPv4Network]:
    """Return all networks, each run beginning with another one."""
    networks = list(_NETWORKS.subnets(new_prefix=29))
    start = os.getpid() % len(networks)
    return itertools.chain(networks[start:], networks[:start])


@cache
def two_hosts() -> TwoHosts:
    """Return the two hosts that this test run shares; stopped when the process ends."""
    hosts = TwoHosts()
    atexit.register(hosts.stop)
    return hosts
