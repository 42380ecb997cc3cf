from __future__ import annotations

from pathlib import Path
from typing import Any

from click.testing import CliRunner
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.cli import main
from vncproxy.cli.failures import Misconfigured
from vncproxy.cli.migrate.nova import convert
from vncproxy.config.settings import Settings
from vncproxy.tap import load

ACCOUNT = """
[service_user]
auth_url = http://keystone.example.com:5000
username = nova
password = pa$$word
project_name = service
user_domain_name = Services
project_domain_id = default
region_name = RegionOne
cafile = /etc/ssl/openstack.pem
"""


class NovaCase(SynchronousTestCase):
    def file(self, text: str, name: str = "nova.conf") -> Path:
        folder = Path(self.mktemp())
        folder.mkdir()
        path = folder / name
        path.write_text(text)
        return path

    def text(self, conf: str) -> str:
        return convert([self.file(conf)])

    def settings(self, conf: str) -> Settings:
        """Return the settings, which the proxy itself reads from what is printed."""
        return self.load(self.text(conf + ACCOUNT))

    def load(self, text: str) -> Settings:
        path = Path(self.mktemp())
        path.write_text(text)
        return load(path)

    def source(self, conf: str = "") -> Any:
        return self.settings(conf).token_sources["nova"].settings


class ProxiesTests(NovaCase):
    def test_defaults(self) -> None:
        settings = self.settings("")
        self.assertEqual(settings.public.base_url, "http://127.0.0.1:6080/")
        self.assertEqual(settings.listen.web, ("tcp:6080",))
        self.assertEqual(settings.listen.xvp, ())
        self.assertEqual(settings.token_sources["nova"].kind, "nova")

    def test_addresses(self) -> None:
        settings = self.settings(
            "[DEFAULT]\nmy_ip = 10.0.0.11\n"
            "[vnc]\nnovncproxy_host = $my_ip\nnovncproxy_port = 6090\n"
            "novncproxy_base_url = https://cloud.example.com/vnc/vnc_lite.html\n"
        )
        self.assertEqual(settings.listen.web, ("tcp:6090:interface=10.0.0.11",))
        self.assertEqual(settings.public.base_url, "https://cloud.example.com/vnc/")

    def test_names_of_the_time_before_the_group_vnc(self) -> None:
        settings = self.settings(
            "[DEFAULT]\nnovncproxy_host=10.0.0.12\nnovncproxy_port=6099\n"
            "novncproxy_base_url=http://h.example.com:6099/vnc_auto.html\n"
            "xvpvncproxy_base_url=http://h.example.com:6098/console\nxvpvncproxy_port=6098\n"
            "xvpvncproxy_host=10.0.0.12\nconsole_token_ttl=120\n"
            "console_allowed_origins=horizon.example.com\n"
        )
        self.assertEqual(settings.listen.web, ("tcp:6099:interface=10.0.0.12",))
        self.assertEqual(settings.listen.xvp, ("tcp:6098:interface=10.0.0.12",))
        self.assertEqual(settings.public.base_url, "http://h.example.com:6099/")
        self.assertEqual(settings.public.xvp_url, "http://h.example.com:6098/console")
        self.assertEqual(settings.public.allowed_origins, ("http://horizon.example.com",))
        self.assertEqual(settings.tokens.ttl, 120)

    def test_a_url_for_viewers_without_a_port(self) -> None:
        settings = self.settings("[vnc]\nxvpvncproxy_base_url = http://h.example.com/console\n")
        self.assertEqual(settings.public.xvp_url, "http://h.example.com:80/console")

    def test_ipv6(self) -> None:
        settings = self.settings(
            "[DEFAULT]\nsource_is_ipv6 = true\n"
            "[vnc]\nnovncproxy_base_url = http://[2001:db8::1]:6080/vnc_auto.html\n"
        )
        self.assertEqual(settings.listen.web, (r"tcp:6080:interface=\:\:",))
        self.assertEqual(settings.public.base_url, "http://[2001:db8::1]:6080/")

    def test_tls(self) -> None:
        conf = "[DEFAULT]\nssl_only = {}\ncert = /etc/nova/c.pem\nkey = /etc/nova/k.pem\n"
        web = "ssl:6080:privateKey=/etc/nova/k.pem:certKey=/etc/nova/c.pem"
        self.assertEqual(self.settings(conf.format("true")).listen.web, (web,))
        self.assertEqual(self.settings(conf.format("false")).listen.web, ("tcp:6080",))
        self.assertIn(f'#web = ["{web}"]', self.text(conf.format("false")))

    def test_a_life_of_tokens_above_the_default_maximum(self) -> None:
        tokens = self.settings("[consoleauth]\ntoken_ttl = 100000\n").tokens
        self.assertEqual((tokens.ttl, tokens.max_ttl), (100000, 100000))

    def test_origins_of_https(self) -> None:
        settings = self.settings(
            "[vnc]\nnovncproxy_base_url = https://c.example.com/vnc_auto.html\n"
            "[console]\nallowed_origins = horizon.example.com, fd00::1\n"
        )
        self.assertEqual(
            settings.public.allowed_origins, ("https://horizon.example.com", "https://[fd00::1]")
        )


class SourceTests(NovaCase):
    def test_the_account(self) -> None:
        found = self.source()
        self.assertEqual(
            (found.auth_url, found.username, found.password.get_secret_value()),
            ("http://keystone.example.com:5000", "nova", "pa$word"),
        )
        self.assertEqual((found.project_name, found.region_name), ("service", "RegionOne"))
        self.assertEqual(found.user_domain_name, "Services")
        self.assertEqual(found.project_domain_name, "Default")
        self.assertEqual(found.ca_file, "/etc/ssl/openstack.pem")

    def test_the_account_of_the_middleware(self) -> None:
        text = self.text(ACCOUNT.replace("service_user", "keystone_authtoken"))
        found: Any = self.load(text).token_sources["nova"].settings
        self.assertEqual(found.username, "nova")

    def test_the_id_of_a_domain_is_no_name(self) -> None:
        text = self.text(ACCOUNT.replace("project_domain_id = default", "project_domain_id = 7f"))
        self.assertIn("# [service_user] project_domain_id = 7f: WRITE THE DOMAIN'S NAME.", text)

    def test_without_an_account_the_configuration_is_refused(self) -> None:
        text = self.text("[vnc]\nenabled = true\n")
        self.assertIn("NO ACCOUNT", text)
        with self.assertRaises(Exception) as caught:
            self.load(text)
        self.assertIn("needs cloud = …, or auth_url = …", str(caught.exception))

    def test_vencrypt(self) -> None:
        conf = (
            "[vnc]\nauth_schemes = {}\nvencrypt_ca_certs = /p/ca.pem\n"
            "vencrypt_client_cert = /p/c.pem\nvencrypt_client_key = /p/k.pem\n"
        )
        tls = self.source(conf.format("vencrypt")).tls
        self.assertEqual(
            (tls.ca_file, tls.certificate_file, tls.key_file), ("/p/ca.pem", "/p/c.pem", "/p/k.pem")
        )
        self.assertIsNone(self.source(conf.format("none")).tls)
        both = self.text(conf.format("vencrypt,none"))
        self.assertIn("HERE, HOSTS WITHOUT TLS ARE REFUSED", both)

    def test_consoles_of_this_machine(self) -> None:
        for name in ("server_proxyclient_address", "vncserver_proxyclient_address"):
            found = self.source(f"[vnc]\n{name} = 127.0.0.1\n")
            self.assertEqual(found.addresses, {"127.0.0.1": "127.0.0.1"})
        self.assertEqual(self.source("[vnc]\nserver_proxyclient_address = 10.0.0.2").addresses, {})


class NotesTests(NovaCase):
    def test_nothing_is_dropped_and_no_secret_of_others_is_printed(self) -> None:
        text = self.text(
            "[DEFAULT]\nrecord = /r\nweb = /usr/share/novnc\ntransport_url = rabbit://u:horse@h\n"
            "[Database]\nconnection = mysql://nova:battery@db/nova\nmax_retries = -1\n"
            "[spice]\nenabled = true\n"
            "[console]\nssl_ciphers = HIGH\nssl_minimum_version = tlsv1_3\n"
            "[consoleauth]\nenforce_session_timeout = true\n"
            "[vnc]\nkeymap = de\nenabled = false\nserver_listen = 0.0.0.0\n"
        )
        for note in (
            "# [DEFAULT] record HAS NO COUNTERPART",
            "# [DEFAULT] web is not needed",
            "# [DEFAULT] transport_url: ",
            "# [database] connection, max_retries: the proxy needs no database of Nova.",
            "# [spice] enabled: NO COUNTERPART",
            "# [console] ssl_ciphers HAS NO COUNTERPART",
            "# [console] ssl_minimum_version = tlsv1_3 HAS NO COUNTERPART",
            "# [consoleauth] enforce_session_timeout HAS NO COUNTERPART",
            "# [vnc] keymap is not needed",
            "# [vnc] server_listen is not needed",
            "# [vnc] enabled = false: NOVA MAKES NO LINKS",
        ):
            self.assertIn(note, text)
        for secret in ("horse", "battery"):
            self.assertNotIn(secret, text)

    def test_a_page_that_the_proxy_does_not_serve(self) -> None:
        text = self.text("[vnc]\nnovncproxy_base_url = http://h/spice.html?x=1\n")
        self.assertIn("Nova's links lead to spice.html, WHICH THE PROXY DOES NOT SERVE", text)


class FilesTests(NovaCase):
    def test_a_later_file_wins_and_directories_come_last(self) -> None:
        folder = self.file("[vnc]\nnovncproxy_host = 10.0.0.3\n", "20-b.conf").parent
        (folder / "10-a.conf").write_text("[vnc]\nnovncproxy_host = 10.0.0.9\nnovncproxy_port=7\n")
        (folder / "README").write_text("no configuration")
        first = self.file("[vnc]\nnovncproxy_host = 10.0.0.1\n[DEFAULT]\nssl_only = true\n")
        second = self.file("[DEFAULT]\nssl_only = false\n" + ACCOUNT)
        web = self.load(convert([first, second], [folder])).listen.web
        self.assertEqual(web, ("tcp:7:interface=10.0.0.3",))

    def test_what_cannot_be_read_is_said(self) -> None:
        for conf, reason in {
            "[vnc]\nnovncproxy_port = 99999\n": "[vnc] novncproxy_port: the value is invalid",
            "[vnc]\nenabled = perhaps\n": "[vnc] enabled: the value is invalid",
            "[vnc]\nnovncproxy_host = $my_ip\n": "[vnc] novncproxy_host: refers to an option that"
            " is not written in these files",
            "[vnc]\nnovncproxy_base_url = ftp://h/\n": "[vnc] novncproxy_base_url is no URL",
            "novncproxy_port = 1\n": "line 1: Section must be started before assignment",
        }.items():
            error = self.assertRaises(Misconfigured, self.text, conf)
            self.assertIn(reason, error.format_message())

    def test_a_file_that_is_missing(self) -> None:
        result = CliRunner().invoke(main, ["migrate", "nova", "/nonexistent/nova.conf"])
        self.assertEqual(result.exit_code, 2)
        self.assertIn("/nonexistent/nova.conf: No such file or directory", result.output)


class KollaTests(NovaCase):
    def test_paths_are_those_outside_of_the_container(self) -> None:
        conf = self.file(
            "[DEFAULT]\nssl_only = true\ncert = /etc/nova/certs/c.pem\nkey = /etc/other/k.pem\n"
            + ACCOUNT
        )
        (conf.parent / "config.json").write_text(
            '{"command": "nova-novncproxy", "config_files": ['
            '{"source": "/var/lib/kolla/config_files/cell-c.pem", "dest": "/etc/nova/certs/c.pem"}'
            "]}"
        )
        result = CliRunner().invoke(main, ["migrate", "kolla", str(conf.parent)])
        self.assertEqual(result.exit_code, 0, result.output)
        outside = conf.parent.absolute() / "cell-c.pem"
        self.assertEqual(
            self.load(result.output).listen.web,
            (f"ssl:6080:privateKey=/etc/other/k.pem:certKey={outside}",),
        )

    def test_a_config_json_that_is_none(self) -> None:
        conf = self.file(ACCOUNT)
        (conf.parent / "config.json").write_text("[")
        result = CliRunner().invoke(main, ["migrate", "kolla", str(conf.parent)])
        self.assertEqual(result.exit_code, 2)
        self.assertIn("is no config.json of Kolla", result.output)
