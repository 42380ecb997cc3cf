"""The configuration file that is shipped agrees with the settings."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.backends import find
from vncproxy.backends.zone import ZoneSettings
from vncproxy.config.load import Settings, load
from vncproxy.config.login import LoginPolicy
from vncproxy.config.nova import NovaPolicy
from vncproxy.config.recording import S3
from vncproxy.config.settings import APIKey
from vncproxy.tap import source_settings
from vncproxy.zones.keys import PrivateKey

SHIPPED = Path(__file__).parents[2] / "etc" / "vncproxy.toml"
SPOOL = "/var/lib/vncproxy/spool"
EXAMPLES = "# Examples."
SENTINELS = {
    "sentinels",
    "master",
    *(f"sentinel_{key}" for key in ("username", "password", "tls", "ca_file", "server_name")),
}
"""Keys that cannot stand beside a host."""
NAMED = {"api", "backends", "zones", "peers", "token_sources", "keystone"}
"""Tables that do not exist unless they are written, which are among the examples."""


TABLES = {"policies", "s3", "keep"}
"""Tables inside of others that are among the examples, too."""


def no_backend(kind: str) -> type[BaseModel]:
    raise AssertionError(f"{kind} is an example, and no option")


def uncommented(text: str) -> str:
    """Put every option in force: prose has a space after its ``#``, an option has none."""
    return re.sub(r"^#(?=[\w\[])", "", text, flags=re.MULTILINE)


def options() -> tuple[str, str]:
    """Return the options with a default, and the examples, both in force."""
    before, marker, after = SHIPPED.read_text().partition(EXAMPLES)
    assert marker
    return uncommented(before), uncommented(marker + after)


def fields(table: Any) -> Iterator[str]:
    if isinstance(table, BaseModel):
        yield from type(table).model_fields
    else:
        yield from (field.name for field in dataclasses.fields(table))


class ShippedConfigTests(SynchronousTestCase):
    def load(self, text: str) -> Settings:
        path = Path(self.mktemp())
        path.write_text(text)
        return load(path, no_backend)

    def test_as_shipped_it_changes_nothing(self) -> None:
        self.assertEqual(load(SHIPPED, no_backend), Settings())

    def test_every_option_stands_there_at_its_default(self) -> None:
        self.assertEqual(self.load(options()[0]), Settings())

    def test_every_field_of_every_table_stands_there(self) -> None:
        document = tomllib.loads(options()[0])
        for table in set(Settings.model_fields) - NAMED:
            with self.subTest(table=table):
                expected = set(fields(getattr(Settings(), table))) - TABLES
                self.assertEqual(set(document[table]), expected)

    def test_every_option_is_described(self) -> None:
        lines = SHIPPED.read_text().partition(EXAMPLES)[0].splitlines()
        for above, line in pairwise(lines):
            if re.match(r"#\w", line):
                with self.subTest(line=line):
                    self.assertTrue(above.startswith("# "), above)

    def examples(self) -> Callable[[], Settings]:
        """Return what reads the options and the examples, all in force."""
        secret = Path(self.mktemp()).resolve()
        secret.write_text("user:horse")
        text = re.sub(r"/etc/vncproxy/\w+(\.pw|_auth)", str(secret), "\n".join(options()))
        path = Path(self.mktemp())
        key = Path(self.mktemp()).resolve()
        key.write_text(PrivateKey.new().secret_text())
        for name in ("madrid", "node1"):
            text = text.replace(f"/etc/vncproxy/{name}.key", str(key))
        path.write_text(text.replace('zone = ""', 'zone = "paris"'))
        return lambda: load(
            path, lambda kind: find(kind).Settings, source_settings, zone_settings=ZoneSettings
        )

    def test_examples_that_are_read_again_are_equal_so_that_a_reload_keeps_all(self) -> None:
        read = self.examples()
        self.assertEqual(read(), read())

    def test_the_examples_are_what_the_backends_take(self) -> None:
        settings = self.examples()()
        zone = settings.zones["madrid"].settings
        assert isinstance(zone, ZoneSettings)
        for part in (zone, zone.accept):
            self.assertEqual(part.model_fields_set, set(fields(part)))
        peer = settings.peers["node1"]
        self.assertEqual(peer.model_fields_set, set(fields(peer)))
        self.assertEqual(set(settings.api.keys), {"portal"})
        assert settings.keystone is not None
        of_keystone = settings.keystone.model_fields_set | {"cloud", "clouds_file"}
        self.assertEqual(of_keystone, set(fields(settings.keystone)))
        assert settings.recording.s3 is not None
        (keep,) = settings.recording.keep
        for each in (settings.recording.s3, keep):
            self.assertEqual(each.model_fields_set, set(fields(each)))
        self.assertEqual(settings.recording.s3, S3(bucket="recordings", spool=SPOOL))
        self.assertEqual((keep.age, keep.size), (90 * 86400.0, 500 << 30))
        (policy,) = settings.nova.policies
        self.assertEqual(policy.model_fields_set, set(fields(policy)))
        self.assertEqual(policy, NovaPolicy(projects=("*",)))
        (of_login,) = settings.login.policies
        self.assertEqual(of_login.model_fields_set, set(fields(of_login)))
        expected = LoginPolicy.model_validate({"groups": ["staff"], "vms": ["kvm/web-*"]})
        self.assertEqual(of_login, expected)
        for kind, backend in {
            "ironic": "metal",
            "libvirt": "kvm",
            "opennebula": "one",
            "static": "lab",
            "vmware": "vc",
            "xen": "pool",
        }.items():
            with self.subTest(kind=kind):
                table = settings.backends[backend]
                self.assertEqual(table.kind, kind)
                self.assertEqual(table.settings.model_fields_set, set(fields(table.settings)))

        for kind, source in {
            "jwt": "signed",
            "nova": "nova",
            "websockify-file": "files",
            "websockify-redis": "shared",
        }.items():
            with self.subTest(kind=kind):
                table = settings.token_sources[source]
                self.assertEqual(table.kind, kind)
                alternatives = {"cloud", "clouds_file", *SENTINELS}
                shown = table.settings.model_fields_set | alternatives
                self.assertEqual(shown, set(fields(table.settings)) | alternatives)

    def test_the_examples_show_every_field_of_a_key(self) -> None:
        key = tomllib.loads(options()[1])["api"]["keys"]["portal"]
        self.assertEqual(set(key), set(APIKey.model_fields))
