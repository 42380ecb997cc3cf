from __future__ import annotations

import os
from ipaddress import ip_network
from pathlib import Path
from textwrap import dedent
from unittest.mock import patch

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.config.load import BackendTable, Settings, load
from vncproxy.config.secret import Secret
from vncproxy.config.settings import Public
from vncproxy.errors import ConfigurationError

HASH = "sha256:" + "0" * 64
OTHER_HASH = "sha256:" + "1" * 64


class Toy(BaseModel):
    """A backend's settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: str
    port: int = Field(default=5900, ge=1)
    password: Secret = SecretStr("")
    passphrase: str = ""
    home: Path | None = None
    racks: dict[str, Rack] = {}
    spare: Rack | None = None


class Rack(BaseModel):
    """A table inside that of a backend."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    units: int | None = None


def toys(kind: str) -> type[BaseModel]:
    if kind != "toy":
        raise ConfigurationError(f"no backend {kind!r}; installed are toy")
    return Toy


class ToySource(BaseModel):
    """A token source's settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str


def toy_sources(kind: str) -> type[BaseModel]:
    if kind != "toy-file":
        raise ConfigurationError(f"no token source {kind!r}; known are toy-file")
    return ToySource


class LoadCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp())

    def load(self, text: str) -> Settings:
        self.path.write_text(dedent(text))
        return load(self.path, toys, toy_sources)

    def mistakes(self, text: str) -> list[str]:
        """Return the lines of the error, without the file that each begins with."""
        error = self.assertRaises(ConfigurationError, self.load, text)
        lines = error.detail.splitlines()
        for line in lines:
            self.assertTrue(line.startswith(f"{self.path}: "), line)
        return [line.removeprefix(f"{self.path}: ") for line in lines]


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
        self.assertEqual((portal.hash, portal.backends), (HASH, ("*",)))
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
        (line,) = self.mistakes("[proxy]\nname = \n")
        self.assertEqual(line, "is not TOML: Invalid value (at line 2, column 8)")

    def test_a_file_that_is_not_text_is_refused(self) -> None:
        self.path.write_bytes(b"a\xff")
        error = self.assertRaises(ConfigurationError, load, self.path, toys)
        self.assertEqual(error.detail, f"{self.path}: is not UTF-8 text: byte 1")


class MistakeTests(LoadCase):
    def assert_mistake(self, text: str, line: str) -> None:
        self.assertEqual(self.mistakes(text), [line])

    def test_all_of_them_are_told_at_once(self) -> None:
        lines = self.mistakes(
            f"""
            top = 1
            [proxy]
            instances = 2
            [lmits]
            sessions = 1
            [limits]
            sessions = 0
            [tokens]
            ttl = "600"
            [api.keys.portal]
            hash = "{HASH}"
            scopes = ["isue"]
            backends = ["kmv"]
            [api.keys.desk]
            hash = "{HASH}"
            [backends.kvm]
            type = "toy"
            adress = "10.0.0.1"
            [backends.esx]
            type = "tyo"
            """
        )
        self.assertEqual(
            sorted(line.partition(": ")[0] for line in lines),
            [
                "[api.keys.desk] hash",
                "[api.keys.desk] scopes",
                "[api.keys.portal] backends[0]",
                "[api.keys.portal] scopes[0]",
                "[backends.esx] type",
                "[backends.kvm] address",
                "[backends.kvm] adress",
                "[limits] sessions",
                "[lmits]",
                "[tokens] store",
                "[tokens] ttl",
                "top",
            ],
        )

    def test_a_name_that_would_turn_a_log_around(self) -> None:
        self.assert_mistake(
            '[proxy]\nname = "px\\u202e1"',
            '[proxy] name: "px\\u202e1" is not allowed; must hold no control characters, and none'
            " that turn text around",
        )

    def test_a_number_out_of_range(self) -> None:
        self.assert_mistake(
            "[limits]\nsessions = 0", "[limits] sessions: 0 is not allowed; at least 1"
        )
        self.assert_mistake(
            "[redis]\ntimeout = 2.5", "[redis] timeout: 2.5 is not allowed; at most 2"
        )
        self.assert_mistake(
            "[timeouts]\nlinger = 0", "[timeouts] linger: 0 is not allowed; more than 0"
        )

    def test_a_number_that_is_not_finite(self) -> None:
        self.assert_mistake(
            "[limits]\nheader_time = inf",
            "[limits] header_time: Infinity is not allowed; must be a finite number",
        )

    def test_a_value_of_another_type(self) -> None:
        for text, line in {
            '[tokens]\nttl = "600"': '[tokens] ttl: "600" is not allowed; must be a whole number',
            "[proxy]\ninstances = true": (
                "[proxy] instances: true is not allowed; must be a whole number"
            ),
            "[redis]\ntls = 1": "[redis] tls: 1 is not allowed; must be true or false",
            "[proxy]\nname = 1979-05-27": None,
            '[listen]\nweb = "tcp:1"': '[listen] web: "tcp:1" is not allowed; must be a list',
            "[log]\naudit = []": "[log] audit: must be a string",
            "limits = 3": "[limits]: 3 is not allowed; must be a table",
            "proxy = 3": "[proxy]: 3 is not allowed; must be a table",
        }.items():
            with self.subTest(text=text):
                if line is None:
                    self.load(text)
                else:
                    self.assert_mistake(text, line)

    def test_a_number_for_a_path(self) -> None:
        self.assert_mistake(
            '[backends.lab]\ntype = "toy"\naddress = "a"\nhome = 7',
            "[backends.lab] home: 7 is not allowed; must be a string",
        )

    def test_a_word_that_is_none_of_the_choices(self) -> None:
        self.assert_mistake(
            '[tokens]\nstore = "rediss"',
            "[tokens] store: \"rediss\" is not allowed; one of 'memory' or 'redis'",
        )

    def test_what_may_be_a_secret_in_a_url_is_not_shown(self) -> None:
        for text, shown in {
            "ftp://fred:horse@h/": "ftp://…@h/",
            "ftp://fred:ho/rse@h/": "ftp://…@h/",
            "fred:horse@h": "…@h",
            "ftp://h/console?token=horse": "ftp://h/console?…",
            "ftp://h/a@b": "ftp://…@b",
        }.items():
            self.assert_mistake(
                f'[tokens]\nttl = "{text}"',
                f'[tokens] ttl: "{shown}" is not allowed; must be a whole number',
            )
        self.assert_mistake(
            '[public]\nbase_url = "http://h/?token=horse"',
            '[public] base_url: "http://h/?…" is not allowed; must have no query and no fragment',
        )

    def test_an_unknown_key_names_the_nearest(self) -> None:
        self.assert_mistake(
            "[timeouts]\nconect = 1", "[timeouts] conect: unknown key; did you mean connect?"
        )

    def test_an_unknown_key_that_resembles_none_names_them_all(self) -> None:
        complaint = "[log] xyzzy: unknown key; known are audit, audit_required"
        self.assert_mistake("[log]\nxyzzy = 1", complaint)

    def test_an_unknown_table_names_the_nearest(self) -> None:
        self.assert_mistake("[lmits]\na = 1", "[lmits]: unknown table; did you mean limits?")

    def test_a_key_above_all_tables(self) -> None:
        self.assert_mistake(
            "instances = 1", "instances: stands above all tables; every key belongs to one"
        )

    def test_an_unknown_key_inside_a_backends_own_table(self) -> None:
        self.assert_mistake(
            """
            [backends.kvm]
            type = "toy"
            address = "a"
            [backends.kvm.racks."row 1"]
            unit = 3
            """,
            '[backends.kvm] racks."row 1".unit: unknown key; did you mean units?',
        )

    def test_an_unknown_key_inside_a_table_that_may_be_left_out(self) -> None:
        self.assert_mistake(
            '[backends.kvm]\ntype = "toy"\naddress = "a"\nspare.unit = 3',
            "[backends.kvm] spare.unit: unknown key; did you mean units?",
        )

    def test_a_url_that_cannot_be_the_base(self) -> None:
        for url, allowed in {
            "http://h/a": "must end in '/'",
            "http://h": "must end in '/'",
            "http://h/?": "must have no query and no fragment",
            "ftp://h/": "must begin with http:// or https:// and a host",
            "h/": "must begin with http:// or https:// and a host",
            "http://h:99999/": "must be a URL: Port out of range 0-65535",
        }.items():
            with self.subTest(url=url):
                self.assert_mistake(
                    f'[public]\nbase_url = "{url}"',
                    f'[public] base_url: "{url}" is not allowed; {allowed}',
                )

    def test_a_password_in_a_url_is_refused_and_not_shown(self) -> None:
        self.assert_mistake(
            '[public]\nbase_url = "http://me:horse@h/"',
            "[public] base_url: must hold no user and no password",
        )

    def test_a_viewer_url_without_its_port(self) -> None:
        self.assert_mistake(
            '[public]\nxvp_url = "https://h/console"',
            '[public] xvp_url: "https://h/console" is not allowed;'
            " must name its port, because the Java viewer needs it",
        )

    def test_an_origin_that_stands_for_every_page(self) -> None:
        self.assert_mistake(
            '[public]\nallowed_origins = ["https://*"]',
            '[public] allowed_origins[0]: "https://*" is not allowed;'
            ' may have "*" as the first label of a host: https://*.apps.example.com',
        )

    def test_an_origin_with_a_path(self) -> None:
        self.assert_mistake(
            '[public]\nallowed_origins = ["https://h/portal"]',
            '[public] allowed_origins[0]: "https://h/portal" is not allowed;'
            " must be an origin without a path, as in https://portal.example.com",
        )

    def test_a_network_with_bits_after_its_prefix(self) -> None:
        for network in ('"10.0.0.1/8"', '"any"', "4"):
            with self.subTest(network=network):
                self.assert_mistake(
                    f"[public]\ntrusted_proxies = [{network}]",
                    f"[public] trusted_proxies[0]: {network} is not allowed;"
                    " must be an IP network as in 10.0.0.0/8, or an address",
                )

    def test_an_endpoint_that_cannot_listen(self) -> None:
        self.assert_mistake(
            '[listen]\nweb = ["tcp:6080", "tcp:http"]',
            '[listen] web[1]: "tcp:http" is not allowed;'
            " tcp: needs a port from 0 to 65535, as in tcp:6080",
        )

    def test_the_same_endpoint_twice(self) -> None:
        (line,) = self.mistakes('[listen]\nweb = ["tcp:6081"]')
        self.assertEqual(
            line, '[listen] xvp: must name each endpoint once, and "tcp:6081" is there twice'
        )

    def test_a_longest_ttl_below_the_ordinary_one(self) -> None:
        self.assert_mistake(
            "[tokens]\nttl = 700\nmax_ttl = 60",
            "[tokens] max_ttl: 60 is not allowed; at least ttl, which is 700",
        )

    def test_an_ordinary_ttl_above_the_longest_by_default(self) -> None:
        (line,) = self.mistakes("[tokens]\nttl = 100000")
        self.assertEqual(
            line, "[tokens] max_ttl: 86400 is not allowed; at least ttl, which is 100000"
        )

    def test_a_certificate_authority_without_tls(self) -> None:
        self.assert_mistake(
            '[redis]\nca_file = "/ca.pem"',
            '[redis] ca_file: "/ca.pem" is not allowed; has no effect without tls = true',
        )

    def test_several_instances_with_tokens_in_memory(self) -> None:
        allowed = (
            '"memory" is not allowed; [proxy] instances is 2, and a token in the memory of one'
            ' process is unknown to the others; "redis" shares them'
        )
        for text in ("", '[tokens]\nstore = "memory"', "[tokens]\nttl = 3"):
            with self.subTest(text=text):
                self.assert_mistake(f"[proxy]\ninstances = 2\n{text}", f"[tokens] store: {allowed}")

    def test_a_key_for_a_backend_that_is_not_configured(self) -> None:
        self.assert_mistake(
            f"""
            [api.keys.portal]
            hash = "{HASH}"
            scopes = ["issue"]
            backends = ["*", "kmv"]
            [backends.kvm]
            type = "toy"
            address = "a"
            """,
            '[api.keys.portal] backends[1]: "kmv" is not allowed;'
            ' must be "*" or the NAME of a [backends.NAME]; did you mean kvm?',
        )

    def test_a_key_that_is_not_hashed_is_refused_and_not_shown(self) -> None:
        self.assert_mistake(
            '[api.keys.portal]\nhash = "horse"\nscopes = ["issue"]',
            '[api.keys.portal] hash: must be "sha256:" and 64 hexadecimal digits',
        )

    def test_two_keys_with_one_hash(self) -> None:
        self.assert_mistake(
            f"""
            [api.keys.portal]
            hash = "{HASH}"
            scopes = ["issue"]
            [api.keys.desk]
            hash = "{HASH}"
            scopes = ["read"]
            """,
            "[api.keys.desk] hash: is the hash of another key too; keys must differ",
        )

    def test_a_key_without_scopes(self) -> None:
        self.assert_mistake(
            f'[api.keys.portal]\nhash = "{HASH}"\nscopes = []',
            "[api.keys.portal] scopes: must not be empty",
        )

    def test_a_type_of_backend_that_is_not_installed(self) -> None:
        self.assert_mistake(
            '[backends.kvm]\ntype = "tyo"',
            "[backends.kvm] type: no backend 'tyo'; installed are toy",
        )

    def test_a_backend_without_a_type(self) -> None:
        self.assert_mistake(
            "[backends.kvm]", "[backends.kvm] type: must be a string that names a type of backend"
        )

    def test_a_backend_that_is_not_a_table(self) -> None:
        self.assert_mistake(
            "[backends]\nkvm = 3", "[backends.kvm]: 3 is not allowed; must be a table"
        )

    def test_a_backend_whose_name_no_token_could_hold(self) -> None:
        for name in ("a/b", "a b", "x" * 65):
            with self.subTest(name=name):
                (line,) = self.mistakes(f'[backends."{name}"]\ntype = "toy"\naddress = "a"')
                self.assertTrue(
                    line.endswith(
                        f'"{name}" is not allowed;'
                        " a name has letters, digits, '_', '.' and '-', and not more than 64"
                    ),
                    line,
                )

    def test_token_sources_that_cannot_work(self) -> None:
        for table, expected in {
            'type = "file"': "[token_sources.old] type: no token source 'file'; known are toy-file",
            'path = "/x"': "[token_sources.old] type: must be a string that names a type of token"
            " source",
            'type = "toy-file"': "[token_sources.old] path: is missing",
            'type = "toy-file"\npath = "/x"\npaths = 1': "[token_sources.old] paths: unknown key;"
            " did you mean path?",
        }.items():
            with self.subTest(table=table):
                self.assertEqual(self.mistakes(f"[token_sources.old]\n{table}\n"), [expected])

    def test_a_token_source_that_is_called_as_a_backend(self) -> None:
        lines = self.mistakes(
            """
            [backends.old]
            type = "toy"
            address = "a"
            [token_sources.old]
            type = "toy-file"
            path = "/x"
            """
        )
        self.assertEqual(len(lines), 1)
        self.assertIn('"old" is a backend too', lines[0])

    def test_a_secret_of_the_wrong_shape_is_not_shown(self) -> None:
        self.assert_mistake(
            "[redis]\npassword = 424242",
            '[redis] password: must be a string, { file = "/path" } or { env = "NAME" }',
        )

    def test_a_secret_that_a_backend_keeps_as_plain_text_is_not_shown(self) -> None:
        self.assert_mistake(
            '[backends.kvm]\ntype = "toy"\naddress = "a"\npassphrase = 424242',
            "[backends.kvm] passphrase: must be a string",
        )

    def test_the_value_of_an_unknown_key_is_not_shown(self) -> None:
        (line,) = self.mistakes('[redis]\npasword = "horse"')
        self.assertEqual(line, "[redis] pasword: unknown key; did you mean password?")

    def test_a_long_value_is_cut(self) -> None:
        (line,) = self.mistakes(f'[tokens]\nstore = "{"x" * 500}"')
        self.assertLess(len(line), 200)
