"""Two zones of which one accepts nothing from the other: it dials a balancer, behind which are two
proxies with three processes and a Redis."""

from __future__ import annotations

import atexit
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

from vncproxy.zones.keys import PrivateKey

from .gateway import Gateway
from .redis_server import RedisServer
from .workers import until
from .zones import Zones

FRONT = "10.198.0.1"
"""The balancer, and Redis."""

_BALANCER = """
defaults
    mode tcp
    timeout connect 2s
    timeout client 1h
    timeout server 1h
    option redispatch
    retries 3
frontend consoles
    bind {front}:443
    default_backend proxies
backend proxies
    balance roundrobin
    default-server check inter 200ms fall 1 rise 1
"""


class DialledZones:
    """Paris, which is dialled, and madrid, which dials; both have a guest.

    Attributes:
        first, second: the proxies of paris; the first has two workers.
        far: the proxy of madrid.
        of_paris, of_madrid: the keys that they prove.
    """

    def __init__(self) -> None:
        self.zones = Zones("paris", "paris", "madrid")
        *self.paris, self.madrid = self.zones.all
        self.redis = RedisServer(
            options=["--bind", "127.0.0.1", FRONT, "--protected-mode", "no"]
        ).start()
        atexit.register(self.redis.stop)
        self.of_paris, self.of_madrid = PrivateKey.new(), PrivateKey.new()
        for number, zone in enumerate(self.paris, 1):
            workers = "workers = 2" if number == 1 else ""
            zone.configure(
                self.of_dialling() + self._store(),
                more_proxy=f'name = "paris-{number}"\n{workers}\ninstances = 3',
                names=[FRONT],
            )
        self.first, self.second = (zone.gateway for zone in self.paris)
        self.far = self.madrid.configure(self.of_dialled())
        self._refuse_paris()
        self._start_balancer()
        for zone in self.zones.all:
            zone.start_guest()
        with ThreadPoolExecutor() as pool:
            list(pool.map(Gateway.start, (self.first, self.second, self.far)))

    def of_dialling(self) -> str:
        """Return what paris writes about madrid."""
        return f"""
[zones.madrid]
dial = "them"
timeout = 10.0
key = "{self.of_paris.secret_text()}"
accept = {{ keys = ["{self.of_madrid.public}"], backends = ["kvm"] }}
"""

    def of_dialled(self) -> str:
        """Return what madrid writes about paris, of which it asks something, too."""
        return f"""
[zones.paris]
dial = "us"
timeout = 10.0
api = "https://{self.paris[0].address}:6443"
console = "https://{FRONT}/"
tls = {{ ca_file = "{self.zones.authority.ca_file}" }}
key = "{self.of_madrid.secret_text()}"
accept = {{ keys = ["{self.of_paris.public}"], backends = ["kvm"] }}
"""

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Drop every packet between madrid and the balancer, in silence."""
        rules = [f"ip {side} {FRONT} tcp {port} 443 drop" for side, port in _BOTH_WAYS]
        for chain, rule in zip(("input", "output"), rules, strict=True):
            self._filter(f"insert rule inet nat44 {chain} {rule}")
        try:
            yield
        finally:
            for chain in ("input", "output"):
                self._filter(f"flush chain inet nat44 {chain}")
            self._drop_new()

    def _store(self) -> str:
        return f"""
[tokens]
store = "redis"
[redis]
host = "{FRONT}"
port = {self.redis.port}
"""

    def _refuse_paris(self) -> None:
        self._filter("add table inet nat44")
        for chain in ("input", "output"):
            hook = f"{{ type filter hook {chain} priority 0; policy accept; }}"
            self._filter(f"add chain inet nat44 {chain} {hook}")
        self._drop_new()

    def _drop_new(self) -> None:
        paris = ", ".join(zone.address for zone in self.paris)
        new = "tcp flags & (syn | ack) == syn"
        self._filter(
            f"add rule inet nat44 input ip saddr {{ {paris} }} {new} reject with tcp reset"
        )

    def _filter(self, rule: str) -> None:
        command = ["ip", "netns", "exec", self.madrid.proxy_space, "nft", rule]
        subprocess.run(command, check=True)

    def _start_balancer(self) -> None:
        servers = "\n".join(
            f"    server s{number} {zone.address}:443" for number, zone in enumerate(self.paris)
        )
        file = self.zones.folder / "haproxy.cfg"
        file.write_text(_BALANCER.format(front=FRONT) + servers + "\n")
        log = (self.zones.folder / "haproxy.log").open("ab")
        process = subprocess.Popen(["haproxy", "-db", "-f", str(file)], stdout=log, stderr=log)
        atexit.register(process.wait)
        atexit.register(process.terminate)
        until(partial(_listens, FRONT, 443), "haproxy listens")


_BOTH_WAYS = (("saddr", "sport"), ("daddr", "dport"))


def _listens(host: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0
