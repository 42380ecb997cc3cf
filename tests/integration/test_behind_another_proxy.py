"""A console behind another site's proxy: an endpoint that is that proxy's web socket."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.components.certificates import Authority
from tests.components.gateway import Gateway
from tests.components.libvirt_host import START_COLOUR
from tests.components.viewer import Refused, Viewer, tunnel
from tests.components.vnc_servers import QemuMachine


class World:
    """A machine, the proxy beside it, and one here whose only way to it is that proxy."""

    def __init__(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="behind-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        machine = QemuMachine(folder, "far").start()
        atexit.register(machine.stop)
        authority = Authority(folder)
        certificate, key = authority.issue("localhost")
        self.there = Gateway(
            '[backends.lab]\ntype = "static"\n[backends.lab.consoles]\n'
            f'far = {{ address = "127.0.0.1:{machine.port}" }}\n',
            web=f"ssl:{{port}}:privateKey={key}:certKey={certificate}:interface=127.0.0.1",
            scheme="https",
        ).start()
        atexit.register(self.there.stop)
        self.token = self.there.issue("lab/far")["token"]
        address = f"wss://localhost:{self.there.web_port}/websockify?token={self.token}"
        self.here = Gateway(
            '[timeouts]\nlinger = 2\n[backends.zone]\ntype = "static"\n[backends.zone.consoles]\n'
            f'far = {{ address = "{address}", tls = {{ ca_file = "{authority.ca_file}" }} }}\n'
        ).start()
        atexit.register(self.here.stop)


world = cache(World)


class BehindAnotherProxyTests(SynchronousTestCase):
    timeout = 120

    def test_the_picture_comes_through_both_and_a_refusal_in_words(self) -> None:
        there, here = world().there, world().here
        viewer = Viewer.connect(here.web_port, here.issue("zone/far")["token"])
        viewer.wait_for_pixel(START_COLOUR)
        viewer.close()

        # the other proxy's token was good once, and so it refuses the second time
        again = here.issue("zone/far")["token"]
        with self.assertRaises(Refused) as caught:
            tunnel(here.web_port, f"/console?token={again}")

        self.assertTrue(
            str(caught.exception).startswith("502 The hypervisor refused the connection"),
            str(caught.exception),
        )
        cause = here.audit_of("refuse", token=again)["detail"]
        self.assertIn("This console link is not valid any more. Ask for a new one.", cause)
        for gateway in (there, here):
            self.assertNotIn(world().token, gateway.log())
            self.assertNotIn("Traceback", gateway.log())
