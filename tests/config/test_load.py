"""Configurations that load, and files that cannot be read."""

from __future__ import annotations

import os
from ipaddress import ip_network
from unittest.mock import patch

from tests.doubles.config import HASH, OTHER_HASH, LoadCase, Rack, Toy, ToySource, toys
from vncproxy.config.load import BackendTable, Settings, load
from vncproxy.config.settings import Public
from vncproxy.errors import ConfigurationError


class GoodTests(LoadCase):
    def test_an_empty_file_gives_the_defaults(self) -> None:
        self.assertEqual(self.load(""), Settings())

    def test_what_is_left_out_of_a_table_has_its_default(self) -> None:
        settings = self.load("[limits]\nsessions = 7")
        self.assertEqual(settings.limits.sessions, 7)
        self.assertEqual(settings.limits.header_bytes, Settings().limits.header_bytes)

    def test_a_whole_number_of_seconds_is_a_duration(self) -> None:
        self.assertEqual(self.load("[timeouts]\nconnect = 3").timeouts.connect, 3.0)

    def test_a_backend_is_read_in_the_shape_of_its_type(self) -> None:
        settings = self.load(
            """
            [backends.kvm]
            type = "toy"
            address = "10.0.0.1"
            racks.a.units = 42
            """
        )
        toy = Toy(address="10.0.0.1", racks={"a": Rack(units=42)})
        self.assertEqual(settings.backends, {"kvm": BackendTable("toy", toy)})

    def test_a_token_source_is_read_in_the_shape_of_its_type(self) -> None:
        settings = self.load(
            """
            [token_sources.old]
            type = "toy-file"
            path = "/x"
            """
        )
        table = BackendTable("toy-file", ToySource(path="/x"))
        self.assertEqual(settings.token_sources, {"old": table})

    def test_an_api_key_may_touch_all_backends_unless_it_names_some(self) -> None:
        settings = self.load(
            f"""
            [backends.kvm]
            type = "toy"
            address = "10.0.0.1"
            [api.keys.portal]
            hash = "{HASH.upper().replace("SHA", "sha")}"
            scopes = ["issue", "read"]
            [api.keys.desk]
            hash = "{OTHER_HASH}"
            scopes = ["admin"]
            backends = ["kvm"]
            """
        )
        portal, desk = settings.api.keys["portal"], settings.api.keys["desk"]
        self.assertEqual((portal.hash, portal.backends), ((HASH,), ("*",)))
        self.assertEqual(portal.scopes, {"issue", "read"})
        self.assertEqual(desk.backends, ("kvm",))

    def test_redis_settings_may_stand_there_while_memory_is_the_store(self) -> None:
        self.assertEqual(self.load('[redis]\nhost = "r"').redis.host, "r")

    def test_several_instances_may_share_redis(self) -> None:
        settings = self.load('[proxy]\ninstances = 4\n[tokens]\nstore = "redis"')
        self.assertEqual(settings.proxy.instances, 4)

    def test_secrets_come_from_the_environment(self) -> None:
        with patch.dict(os.environ, {"VNCPROXY_TEST": "horse"}):
            settings = self.load('[redis]\npassword = { env = "VNCPROXY_TEST" }')
        self.assertEqual(settings.redis.password.get_secret_value(), "horse")
        self.assertNotIn("horse", repr(settings))

    def test_networks_and_origins_take_their_usual_form(self) -> None:
        public = self.load(
            """
            [public]
            trusted_proxies = ["10.0.0.0/8", "::1"]
            allowed_origins = [
                "HTTPS://Portal.Example.com:443/", "https://Münze.example", "https://*.Apps.example.com",
            ]
            """
        ).public
        self.assertEqual(public.trusted_proxies, (ip_network("10.0.0.0/8"), ip_network("::1")))
        self.assertEqual(
            public.allowed_origins,
            (
                "https://portal.example.com",
                "https://xn--mnze-0ra.example",
                "https://*.apps.example.com",
            ),
        )

    def test_the_public_url_knows_its_origin_and_prefix(self) -> None:
        public = self.load('[public]\nbase_url = "https://C.example.com:443/a/b/"').public
        self.assertEqual((public.origin, public.prefix), ("https://c.example.com", "/a/b/"))

    def test_the_same_unnamed_port_may_be_asked_for_twice(self) -> None:
        self.assertEqual(
            self.load('[listen]\nweb = ["tcp:0"]\nxvp = ["tcp:0"]').listen.web, ("tcp:0",)
        )

    def test_code_can_make_settings_without_a_file(self) -> None:
        network, backend = ip_network("10.0.0.0/8"), BackendTable("toy", Toy(address="a"))
        settings = Settings(public=Public(trusted_proxies=(network,)), backends={"kvm": backend})
        self.assertEqual(settings.public.trusted_proxies, (network,))
        self.assertIs(settings.backends["kvm"], backend)

    def test_nothing_can_be_changed_afterwards(self) -> None:
        settings = self.load("")
        with self.assertRaises(ValueError):
            settings.tokens.ttl = 5


class BadFileTests(LoadCase):
    def test_a_file_that_is_missing_is_named(self) -> None:
        error = self.assertRaises(ConfigurationError, load, self.path, toys)
        self.assertEqual(error.detail, f"{self.path}: cannot be read: No such file or directory")

    def test_a_syntax_error_is_told_with_its_line(self) -> None:
        (line,) = self.errors_in("[proxy]\nname = \n")
        self.assertEqual(line, "is not TOML: Invalid value (at line 2, column 8)")

    def test_a_file_that_is_not_text_is_refused(self) -> None:
        self.path.write_bytes(b"a\xff")
        error = self.assertRaises(ConfigurationError, load, self.path, toys)
        self.assertEqual(error.detail, f"{self.path}: is not UTF-8 text: byte 1")
