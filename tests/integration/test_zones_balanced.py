"""Links between zones through HAProxy and nginx as etc/ has them, which read HTTP."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.components.balancers import Certificate, HAProxy, Nginx
from tests.components.gateway import Gateway
from vncproxy.zones.keys import PrivateKey


class BalancedTests(SynchronousTestCase):
    def test_a_link_stands_through_both(self) -> None:
        of_paris, of_madrid = PrivateKey.new(), PrivateKey.new()
        table = f"""
[proxy]
zone = "paris"
[zones.madrid]
dial = "them"
key = "{of_paris.secret_text()}"
accept = {{ keys = ["{of_madrid.public}"] }}
"""
        paris = Gateway(table, base_url="https://localhost/console/").start()
        self.addCleanup(paris.stop)
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        certificate = Certificate(folder)
        haproxy = HAProxy(folder, certificate).start([paris, paris])
        nginx = Nginx(folder, certificate).start([paris, paris])
        for place in (f"{haproxy.web}/", f"{haproxy.web}/console/", f"{nginx.port}/console/"):
            file = folder / "madrid.toml"
            file.write_text(f"""
[proxy]
zone = "madrid"
[zones.paris]
dial = "us"
console = "https://localhost:{place}"
tls = {{ ca_file = "{certificate.ca_file}" }}
key = "{of_madrid.secret_text()}"
accept = {{ keys = ["{of_paris.public}"] }}
""")
            program = Path(sys.executable).with_name("vncproxy")
            done = subprocess.run(
                [program, "check-config", "--config", file],
                capture_output=True,
                text=True,
                check=False,
            )
            line = next(line for line in done.stdout.splitlines() if "zone paris:" in line)
            self.assertRegex(line, rf"^ok .*localhost:{place}: proxy .*, a link in \d+ ms")
