"""A proxy on each of two hypervisor hosts, for the machines of that host alone."""

from __future__ import annotations

import hashlib

from .gateway import Gateway
from .two_hosts import NetworkedHost

WEB, XVP, API, PEER_API = 6080, 6081, 6082, 6083


class HostProxy(Gateway):
    """The proxy of one host, with the libvirt of that host.

    Args:
        host: where it runs.
        public: the address that users reach it by, which is translated to the host's own.
        config: further tables.
        certificate: the files of the host's certificate and its key, to serve the API by TLS, too.
    """

    def __init__(
        self,
        host: NetworkedHost,
        public: str,
        config: str,
        certificate: tuple[str, str] | None = None,
    ) -> None:
        super().__init__()
        api = [f"tcp:{API}"]
        if certificate:
            api.append(f"ssl:{PEER_API}:privateKey={certificate[1]}:certKey={certificate[0]}")
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
api = {api}
{api_key(self)}
[backends.kvm]
type = "libvirt"
{config}
""")
        self.host, self.web_port, self.xvp_port, self.api_port = host.address, WEB, XVP, API
        self.launcher = host.program()


def api_key(gateway: Gateway, name: str = "test", scope: str = "admin") -> str:
    """Return the table of a gateway's key, which may do everything."""
    digest = hashlib.sha256(gateway.key.encode()).hexdigest()
    return f'[api.keys.{name}]\nhash = "sha256:{digest}"\nscopes = ["{scope}"]\n'
