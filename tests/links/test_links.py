"""The links of one process, when its configuration is read again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from tests.components.certificates import Authority
from tests.links.test_opening import ME
from vncproxy.links.dialled import DialledZone
from vncproxy.links.dialler import LINKS
from vncproxy.links.links import ZoneLinks
from vncproxy.links.zones import LinkedZones
from vncproxy.model import TLSTrust
from vncproxy.zones.keys import PrivateKey

KEY, OTHER_KEY = PrivateKey.new().secret_text(), PrivateKey.new().secret_text()
UNVERIFIED = TLSTrust(verify=False)


def zones_as_read(
    key: str = KEY, host: str = "192.0.2.7", trust: TLSTrust = UNVERIFIED
) -> LinkedZones:
    """Return what a configuration says that is read now: each object in it is new."""
    zone = DialledZone("paris", "madrid", host, 443, "/", trust, PrivateKey.parse(key), 5.0)
    return LinkedZones("madrid", "proxy-1", dialled=(zone,))


class ReloadTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor: Any = MemoryReactorClock()
        self.links = ZoneLinks(ME, zones_as_read(), self.reactor)
        self.links.sites = {}
        self.links.start()

    def dialled(self) -> int:
        return len(self.reactor.tcpClients)

    def test_a_configuration_that_is_the_same_leaves_links_as_they_are(self) -> None:
        for _ in range(2):
            self.links.update(zones_as_read())
        self.assertEqual(self.dialled(), LINKS)
        self.assertFalse(any(each.stoppedConnecting for each in self.reactor.connectors))

    def test_another_key_or_place_is_dialled_with(self) -> None:
        self.links.update(zones_as_read(OTHER_KEY))
        self.assertEqual(self.dialled(), 2 * LINKS)
        self.links.update(zones_as_read(OTHER_KEY, "192.0.2.8"))
        self.assertEqual(self.dialled(), 3 * LINKS)
        self.assertTrue(all(c.stoppedConnecting for c in self.reactor.connectors[: 2 * LINKS]))

    def test_a_file_that_is_missing_for_a_moment_does_not_end_the_attempts(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        file = str(folder / "ca.pem")
        self.links.update(zones_as_read(trust=TLSTrust(ca_file=file)))
        self.assertIn(f"{file} cannot be used", self.links.states()["paris"].problem)
        before = self.dialled()
        self.assertEqual(Authority(folder).ca_file, file)
        self.reactor.advance(1)
        self.assertEqual(self.dialled(), before + LINKS)
