"""What is made of the tables of zones, and that reading them again changes nothing."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.backends.zone import ZoneSettings
from vncproxy.config.settings import BackendTable, Proxy, Settings
from vncproxy.model import Identity
from vncproxy.power import MachinePower
from vncproxy.service.components import Components
from vncproxy.service.session_services import services
from vncproxy.service.zone_links import linked_zones
from vncproxy.zones.keys import PrivateKey

KEY, OTHER_KEY = PrivateKey.new(), PrivateKey.new()


def settings_as_read(**accept: Any) -> Settings:
    """Return a configuration that is read now, with a zone that is dialled."""
    paris: dict[str, Any] = {
        "dial": "us",
        "console": "https://console.paris.example.com/",
        "key": KEY.secret_text(),
        "accept": {"keys": [str(OTHER_KEY.public)], **accept},
    }
    table = BackendTable("zone", ZoneSettings.model_validate(paris))
    return Settings(proxy=Proxy(zone="madrid"), zones={"paris": table})


class ZoneTests(SynchronousTestCase):
    def test_a_configuration_that_is_read_again_is_equal(self) -> None:
        self.assertEqual(linked_zones(settings_as_read()), linked_zones(settings_as_read()))
        self.assertEqual(settings_as_read(), settings_as_read())

    def test_sessions_of_a_zone_go_on_to_zones_that_it_may_see(self) -> None:
        unused: Any = None
        components = Components(unused, {}, unused)
        me = Identity("p" * 16, "w" * 16, "north")
        power = MachinePower(dict, Clock())

        def shown(*backends: str) -> list[bool]:
            settings = settings_as_read(backends=backends)
            made = services(settings, components, (), lambda: 0.0, unused, me, power=power)
            return [made.shows_zone(asking, "oslo") for asking in ("paris", "tokyo")]

        self.assertEqual(shown("kvm"), [False, False])
        self.assertEqual(shown("kvm", "oslo"), [True, False])
        self.assertEqual(shown("*"), [True, False])
