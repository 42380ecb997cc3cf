"""Keys and values that are wrong by themselves, and no secrets in their errors."""

from __future__ import annotations

from tests.doubles.config import LoadCase


class ValueTests(LoadCase):
    """Values out of range, of another type or shape."""

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

    def test_a_rate_of_users_with_which_no_console_can_be_used(self) -> None:
        for rate in (0, 4096):
            self.load(f"[limits]\nbandwidth_per_user = {rate}")
        for rate in (1, 4095):
            self.assert_mistake(
                f"[limits]\nbandwidth_per_user = {rate}",
                f"[limits] bandwidth_per_user: {rate} is not allowed; 0 for any number, or at "
                "least 4096 bytes in a second: below that a console is not usable",
            )

    def test_an_address_for_other_processes(self) -> None:
        for text in ("192.0.2.11", "192.0.2.11:7100", "192.0.2.11:7100-7199", "[2001:db8::1]:7100"):
            self.load(f'[proxy]\npeer_address = "{text}"')
        for text in ("proxy-1", "192.0.2.11:", "192.0.2.11:0", "192.0.2.11:7199-", "2001:db8::1"):
            self.assert_mistake(
                f'[proxy]\npeer_address = "{text}"',
                f'[proxy] peer_address: "{text}" is not allowed; must be an address of this '
                "machine, or one with ports as in 192.0.2.11:7100-7199",
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
            "[proxy]\nworkers = 0": (
                '[proxy] workers: 0 is not allowed; must be a whole number from 1, or "auto"'
            ),
            '[proxy]\nworkers = "many"': (
                '[proxy] workers: "many" is not allowed; must be a whole number from 1, or "auto"'
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

    def test_a_viewer_url_without_its_port(self) -> None:
        self.assert_mistake(
            '[public]\nxvp_url = "https://h/console"',
            '[public] xvp_url: "https://h/console" is not allowed;'
            " must name its port, because the Java viewer needs it",
        )

    def test_viewers_start_tls_themselves_and_need_a_certificate(self) -> None:
        for text, problem in (
            ('rfb = ["tcp:5900"]', "needs rfb_certificate, or an ssl: endpoint in web or xvp"),
            (
                'rfb = ["ssl:5900"]\nrfb_certificate = "/c.pem"',
                '"ssl:5900" must be tcp:, unix: or systemd:, since viewers start TLS after RFB '
                "has begun; rfb_certificate names the certificate",
            ),
            (
                'rfb = ["tcp:6081"]\nrfb_certificate = "/c.pem"',
                'must name each endpoint once, and "tcp:6081" is there twice',
            ),
        ):
            self.assert_mistake("[listen]\n" + text, f"[listen] rfb: {problem}")

    def test_viewers_are_shown_the_certificate_of_the_first_tls_listener_or_their_own(self) -> None:
        web = 'web = ["tcp:1", "haproxy:ssl:2:privateKey=/k:certKey=/c"]'
        rfb = '\nrfb = ["tcp:5900"]'
        for text, endpoint in (
            (web + rfb, "ssl:2:privateKey=/k:certKey=/c"),
            ('rfb_certificate = "/a:b"' + rfb, r"ssl:0:privateKey=/a\:b:certKey=/a\:b"),
            (
                f'{web}\nrfb_certificate = "/c"\nrfb_key = "/k"{rfb}',
                "ssl:0:privateKey=/k:certKey=/c",
            ),
        ):
            self.assertEqual(self.load("[listen]\n" + text).listen.certificate, endpoint)

    def test_a_viewers_address_without_its_port(self) -> None:
        for address in ("c.example.com", "c.example.com:0", "c.example.com:99999", ":1", "a b:1"):
            self.assert_mistake(
                f'[public]\nrfb_address = "{address}"',
                f'[public] rfb_address: "{address}" is not allowed; '
                "must be a host with its port, as in console.example.com:5900",
            )
        for address in ("c.example.com:5900", "[2001:db8::1]:5900", "192.0.2.1:1"):
            settings = self.load(f'[public]\nrfb_address = "{address}"')
            self.assertEqual(settings.public.rfb_address, address)

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

    def test_callers_without_credentials_beyond_this_machine(self) -> None:
        self.assert_mistake(
            '[listen]\napi = ["tcp:6082"]\n[nova]\nauthentication = ["none"]',
            '[nova] authentication: "none" lets every program that reaches the API open every '
            'console: [listen] api must be on loopback, and "tcp:6082" is not',
        )

    def test_users_of_keystone_without_the_tables_that_they_need(self) -> None:
        ask = '[nova]\nauthentication = ["keystone"]\n'
        self.assert_mistake(ask, '[nova] authentication: "keystone" needs a table [keystone]')
        keystone = '[keystone]\ncloud = "mine"\n'
        self.assert_mistake(
            ask + keystone,
            '[nova] authentication: "keystone" needs at least one [[nova.policies]]: without, '
            "all users are refused",
        )
        policy = "[[nova.policies]]\nprojects = []\n"
        self.assert_mistake(
            ask + policy + keystone, "[nova] policies[0].projects: must not be empty"
        )
        policy = '[[nova.policies]]\nprojects = ["*"]\nrole = "member"\n'
        self.assert_mistake(
            ask + policy + keystone,
            "[nova] policies[0].role: unknown key; did you mean roles?",
        )
        self.assert_mistake(
            '[keystone]\nauth_url = "https://k/v3"\nusername = "v"\npassword = "horse"\n',
            "[keystone]: auth_url needs username, password and project_name",
        )

    def test_an_endpoint_that_cannot_listen(self) -> None:
        self.assert_mistake(
            '[listen]\nweb = ["tcp:6080", "tcp:http"]',
            '[listen] web[1]: "tcp:http" is not allowed;'
            " tcp: needs a port from 0 to 65535, as in tcp:6080",
        )

    def test_a_long_value_is_cut(self) -> None:
        (line,) = self.errors_in(f'[tokens]\nstore = "{"x" * 500}"')
        self.assertLess(len(line), 200)


class SecretTests(LoadCase):
    """No secret is shown in an error."""

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

    def test_a_password_in_a_url_is_refused_and_not_shown(self) -> None:
        self.assert_mistake(
            '[public]\nbase_url = "http://me:horse@h/"',
            "[public] base_url: must hold no user and no password",
        )

    def test_a_key_that_is_not_hashed_is_refused_and_not_shown(self) -> None:
        self.assert_mistake(
            '[api.keys.portal]\nhash = "horse"\nscopes = ["issue"]',
            '[api.keys.portal] hash: must be "sha256:" and 64 hexadecimal digits',
        )

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
        (line,) = self.errors_in('[redis]\npasword = "horse"')
        self.assertEqual(line, "[redis] pasword: unknown key; did you mean password?")


class UnknownKeyTests(LoadCase):
    def test_an_unknown_key_names_the_nearest(self) -> None:
        self.assert_mistake(
            "[timeouts]\nconect = 1", "[timeouts] conect: unknown key; did you mean connect?"
        )

    def test_an_unknown_key_that_resembles_none_names_them_all(self) -> None:
        complaint = "[log] xyzzy: unknown key; known are audit, audit_required, format, level"
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
