"""The examples in docs/token-sources.md are settings that work."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.tokens.external import kinds as source_types

PAGE = Path(__file__).parents[2] / "docs/token-sources.md"


class ExampleTests(SynchronousTestCase):
    def setUp(self) -> None:
        secret = Path(self.mktemp())
        secret.write_text("s3cret\n")
        self.page = PAGE.read_text()
        text = re.sub(r'file = "/etc/vncproxy/\w+\.password"', f'file = "{secret}"', self.page)
        examples = re.findall(r"^```toml\n(.*?)^```", text, re.M | re.S)
        self.tables = [
            table
            for example in examples
            for table in tomllib.loads(example)["token_sources"].values()
        ]

    def test_every_table_is_valid(self) -> None:
        kinds = {table["type"] for table in self.tables}
        self.assertEqual(kinds, {"websockify-file", "websockify-redis", "jwt", "nova"})
        for table in self.tables:
            source_types.find(table.pop("type")).Settings.model_validate(table)

    def test_every_key_is_described(self) -> None:
        described = set(re.findall(r"`(\w+)`", self.page))
        for table in self.tables:
            fields = set(source_types.find(table["type"]).Settings.model_fields)
            self.assertEqual(fields - described, set())
