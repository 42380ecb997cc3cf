"""The examples in docs/backends.md are settings that work."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from pydantic import BaseModel
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.backends.libvirt_settings import LibvirtSettings
from vncproxy.backends.opennebula_settings import OpenNebulaSettings
from vncproxy.backends.static import StaticSettings
from vncproxy.backends.static_file import read_if_changed
from vncproxy.backends.vmware_settings import VMwareSettings
from vncproxy.backends.xen_settings import XenSettings

PAGE = Path(__file__).parents[2] / "docs/backends.md"
KINDS: dict[str, type[BaseModel]] = {
    "static": StaticSettings,
    "libvirt": LibvirtSettings,
    "opennebula": OpenNebulaSettings,
    "vmware": VMwareSettings,
    "xen": XenSettings,
}


class ExampleTests(SynchronousTestCase):
    def setUp(self) -> None:
        secret = Path(self.mktemp())
        secret.write_text("user:s3cret\n")
        text = re.sub(
            r'file = "/etc/vncproxy/[\w.]+(password|auth)"', f'file = "{secret}"', PAGE.read_text()
        )
        self.examples = re.findall(r"^```toml\n(.*?)^```", text, re.M | re.S)

    def test_every_backend_table_is_valid(self) -> None:
        tables = [
            table
            for example in self.examples
            for table in tomllib.loads(example).get("backends", {}).values()
        ]
        self.assertEqual({table["type"] for table in tables}, {*KINDS})
        for table in tables:
            KINDS[table.pop("type")].model_validate(table)

    def test_the_file_of_consoles_is_valid(self) -> None:
        (example,) = (each for each in self.examples if "consoles.toml\n" in each[:40])
        file = Path(self.mktemp())
        file.write_text(example)
        reading = read_if_changed(file, None)
        assert reading is not None
        self.assertEqual({*reading.consoles}, {"web-01", "db-01"})
