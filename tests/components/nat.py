"""One-to-one address translation in front of hosts: each has a public address that is not its own.

A router in a namespace of its own stands between this machine, where users are, and the hosts'
network. Needs root, iproute2 and nftables.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import ExitStack
from ipaddress import IPv4Interface

from .two_hosts import NetworkedHost, TwoHosts, ip, take_network


class Translation:
    """The router, and the public address of each host by its name.

    Args:
        hosts: what it stands in front of.
    """

    def __init__(self, hosts: TwoHosts) -> None:
        self._undo = ExitStack()
        self._space = f"vn{os.getpid()}"
        with ExitStack() as on_failure:
            on_failure.callback(self._undo.close)
            both = (hosts.first, hosts.second)
            public = [f"{each}" for each in take_network(self._undo).hosts()]
            self.addresses = dict(zip((host.name for host in both), public[2:], strict=False))
            self._connect(hosts, both, public)
            self._translate(both)
            on_failure.pop_all()

    def stop(self) -> None:
        """Remove the router."""
        self._undo.close()

    def _connect(
        self, hosts: TwoHosts, both: tuple[NetworkedHost, NetworkedHost], public: list[str]
    ) -> None:
        space, inner = self._space, hosts.free_address
        ip("netns", "add", space)
        self._undo.callback(ip, "netns", "del", space)
        self._link("pub", f"{space}u")
        ip("address", "add", f"{public[0]}/29", "dev", f"{space}u")
        for address in public[1 : 2 + len(both)]:
            ip("-n", space, "address", "add", f"{address}/29", "dev", "pub")
        self._link("hosts", f"{space}h")
        ip("link", "set", f"{space}h", "master", hosts.bridge)
        ip("-n", space, "address", "add", f"{inner}/29", "dev", "hosts")
        network = str(IPv4Interface(f"{public[0]}/29").network)
        for host in both:
            ip("-n", host.name, "route", "add", network, "via", inner)
            self._undo.callback(ip, "-n", host.name, "route", "del", network)

    def _link(self, name: str, outer: str) -> None:
        ip("link", "add", outer, "type", "veth", "peer", "name", name, "netns", self._space)
        ip("link", "set", outer, "addrgenmode", "none")
        ip("link", "set", outer, "up")
        ip("-n", self._space, "link", "set", name, "up")

    def _translate(self, both: tuple[NetworkedHost, NetworkedHost]) -> None:
        pairs = [(self.addresses[host.name], host.address) for host in both]
        inbound = "\n".join(f"ip daddr {public} dnat to {own}" for public, own in pairs)
        outbound = "\n".join(f'oifname "pub" ip saddr {own} snat to {pub}' for pub, own in pairs)
        self._run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        self._run(
            "nft",
            f"""add table ip nat
add chain ip nat pre {{ type nat hook prerouting priority -100 ; }}
add chain ip nat post {{ type nat hook postrouting priority 100 ; }}
{_rules("pre", inbound)}
{_rules("post", outbound)}""",
        )

    def _run(self, *words: str) -> None:
        done = subprocess.run(
            ["ip", "netns", "exec", self._space, *words], capture_output=True, text=True, timeout=60
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")


def _rules(chain: str, lines: str) -> str:
    return "\n".join(f"add rule ip nat {chain} {line}" for line in lines.splitlines())
