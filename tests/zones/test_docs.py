"""docs/zones.md: its configurations are valid, and its table has every sentence."""

from __future__ import annotations

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.backends.zone import ZoneSettings
from vncproxy.errors.zone import (
    ASKED,
    ZoneError,
    ZoneLinkLost,
    ZoneNotConnected,
    ZoneUnreachable,
    ZoneUntrusted,
)
from vncproxy.service.loading import load
from vncproxy.zones.keys import PrivateKey

WHOLE = (Path(__file__).parents[2] / "docs" / "zones.md").read_text()
PAGE = WHOLE.partition("\n## A proxy on each hypervisor\n")[0]

CONFIGURED = (("madrid", ""), ("paris", ""), ("madrid", "them"), ("paris", "us"))
"""The zone that each configuration on the page is about, and which side dials."""


class DocsTests(SynchronousTestCase):
    def test_the_configurations_are_valid(self) -> None:
        key = Path(self.mktemp()).absolute()
        key.write_text(PrivateKey.new().secret_text())
        texts = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
        for text, (name, dial) in zip(texts, CONFIGURED, strict=True):
            path = Path(self.mktemp())
            path.write_text(text.replace("/etc/vncproxy/madrid.key", str(key)))
            zone = load(path).zones[name].settings
            assert isinstance(zone, ZoneSettings)
            self.assertEqual((zone.is_asked, zone.dial), (name == "madrid", dial))

    def test_every_sentence_of_a_zone_stands_in_the_table(self) -> None:
        rows = re.findall(r"^\| [^|]+ \| ([^|]+) \| `([a-z-]+)` \|$", PAGE, re.MULTILINE)
        told = {code: sentence for sentence, code in rows}
        away: list[type[ZoneError]] = [
            ZoneUnreachable,
            ZoneNotConnected,
            ZoneLinkLost,
            ZoneUntrusted,
        ]
        kinds: list[type[ZoneError]] = [*ASKED.values(), *away]
        for kind in kinds:
            self.assertEqual(told[kind.code], kind("x", zone="madrid").sentence())
