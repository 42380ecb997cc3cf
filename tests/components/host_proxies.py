"""A proxy on each of two hypervisor hosts, for the machines of that host alone."""

from __future__ import annotations

import hashlib

from .gateway import Gateway
from .two_hosts import NetworkedHost

WEB, XVP, API = 6080, 6081, 6082


class HostProxy(Gateway):
    """The proxy of one host, with the libvirt of that host.

    Args:
        host: where it runs.
        public: the address that users reach it by, which is translated to the host's own.
        config: further tables.
        libvirt: whether there is a backend ``kvm``.
    """

    def __init__(self, host: NetworkedHost, public: str, config: str) -> None:
        super().__init__()
        self.config.write_text(f"""
[proxy]
name = "{host.name}"
serves = "auto"
[public]
base_url = "http://{{address:eth0}}:{WEB}/"
xvp_url = "http://{{address:eth0}}:{XVP}/console"
announced_url = "http://{public}:{WEB}/"
announced_xvp_url = "http://{public}:{XVP}/console"
[listen]
web = ["tcp:{WEB}"]
xvp = ["tcp:{XVP}"]
api = ["tcp:{API}"]
{api_key(self)}
[backends.kvm]
type = "libvirt"
{config}
""")
        self.host, self.web_port, self.xvp_port, self.api_port = host.address, WEB, XVP, API
        self.launcher = host.program()


def api_key(gateway: Gateway, name: str = "test") -> str:
    """Return the table of a gateway's key, which may do everything."""
    digest = hashlib.sha256(gateway.key.encode()).hexdigest()
    return f'[api.keys.{name}]\nhash = "sha256:{digest}"\nscopes = ["admin"]\n'
