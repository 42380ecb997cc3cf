"""The examples in docs/backends.md are settings that work, and docs/hypervisors.md has them all."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from pydantic import BaseModel
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.backends.ironic.settings import IronicSettings
from vncproxy.backends.libvirt.settings import LibvirtSettings
from vncproxy.backends.opennebula.settings import OpenNebulaSettings
from vncproxy.backends.static.machines import read_if_changed
from vncproxy.backends.static.settings import StaticSettings
from vncproxy.backends.vmware.settings import VMwareSettings
from vncproxy.backends.xen.settings import XenSettings
from vncproxy.errors import BackendError, StoreUnavailable, UpstreamUnreachable
from vncproxy.tokens.external import kinds as source_types

TABLE = Path(__file__).parents[2] / "docs/hypervisors.md"
PAGE = Path(__file__).parents[2] / "docs/backends.md"
KINDS: dict[str, type[BaseModel]] = {
    "static": StaticSettings,
    "ironic": IronicSettings,
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
            r'file = "/etc/vncproxy/[\w.]+(password|auth|pw)"',
            f'file = "{secret}"',
            PAGE.read_text(),
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


class TableTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.page = TABLE.read_text()
        lines = self.page.partition("\n## ")[0].splitlines()
        table = [line.strip("|").split(" | ") for line in lines if line.startswith("|")]
        self.rows = [[cell.strip() for cell in row] for row in table[2:]]

    def test_every_type_of_backend_and_token_source_has_a_row(self) -> None:
        told = {kind for row in self.rows for kind in re.findall(r"`([\w-]+)`", row[1])}
        self.assertEqual(told, {*KINDS, *source_types.names()})

    def test_every_row_is_whole(self) -> None:
        self.assertEqual({len(row) for row in self.rows}, {7})
        self.assertTrue(all(all(row) for row in self.rows))

    def test_the_words_are_those_that_users_read(self) -> None:
        nothing = "\N{EN DASH}"
        self.assertEqual({row[-1] for row in self.rows}, {UpstreamUnreachable.public, nothing})
        text = " ".join(self.page.split())
        for error in (BackendError, StoreUnavailable):
            self.assertIn(f'"{error.public}"', text)
