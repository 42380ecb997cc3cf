from __future__ import annotations

import shlex
import tomllib
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.cli import main
from vncproxy.cli.failures import Misconfigured
from vncproxy.cli.migrate.websockify import convert
from vncproxy.config.settings import Settings
from vncproxy.tap import load


class ConvertTests(SynchronousTestCase):
    def text(self, line: str) -> str:
        return convert(shlex.split(line))

    def settings(self, line: str) -> Settings:
        """Return the settings, which the proxy itself reads from what is printed."""
        path = Path(self.mktemp())
        path.write_text(self.text(line))
        return load(path)

    def source(self, line: str) -> tuple[str, Any]:
        table = self.settings(line).token_sources["websockify"]
        return table.kind, table.settings

    def target(self, line: str) -> str:
        table = tomllib.loads(self.text(line))["backends"]["websockify-target"]
        self.settings(line)
        return str(table["consoles"]["console"]["address"])

    def test_a_port(self) -> None:
        settings = self.settings("6080 192.0.2.7:5900")
        self.assertEqual(settings.listen.web, ("tcp:6080",))
        self.assertEqual(settings.listen.xvp, ())
        self.assertEqual(settings.public.base_url, "http://127.0.0.1:6080/")

    def test_an_address_and_tls(self) -> None:
        line = "--cert /etc/c.pem --key=/etc/k:1.pem 192.0.2.1:443 192.0.2.7:5900"
        settings = self.settings(line)
        self.assertEqual(
            settings.listen.web,
            (r"ssl:443:privateKey=/etc/k\:1.pem:certKey=/etc/c.pem:interface=192.0.2.1",),
        )
        self.assertEqual(settings.public.base_url, "https://192.0.2.1:443/")

    def test_a_certificate_with_its_key(self) -> None:
        web = self.settings("--cert /etc/self.pem 443 a:1").listen.web
        self.assertEqual(web, ("ssl:443:privateKey=/etc/self.pem:certKey=/etc/self.pem",))

    def test_ipv6(self) -> None:
        settings = self.settings("[::1]:6080 [2001:db8::7]:5900")
        self.assertEqual(settings.listen.web, (r"tcp:6080:interface=\:\:1",))
        self.assertEqual(settings.public.base_url, "http://[::1]:6080/")

    def test_a_wildcard_address_is_no_name_for_users(self) -> None:
        self.assertEqual(
            self.settings("0.0.0.0:6080 a:1").public.base_url, "http://127.0.0.1:6080/"
        )

    def test_a_unix_socket(self) -> None:
        web = self.settings("--unix-listen /run/w.sock --unix-listen-mode 0660 --target-config /t")
        self.assertEqual(web.listen.web, ("unix:/run/w.sock:mode=660",))

    def test_token_files(self) -> None:
        for line in (
            "--token-plugin TokenFile --token-source /etc/tokens 6080",
            "--token-plugin=websockify.token_plugins.TokenFile --token-source=/etc/tokens 6080",
            "--token-plugin ReadOnlyTokenFile --token-source /etc/tokens 6080",
            "--target-config /etc/tokens 6080",
            "/usr/bin/websockify 6080 --target-config=/etc/tokens",
        ):
            with self.subTest(line=line):
                kind, settings = self.source(line)
                self.assertEqual((kind, str(settings.path)), ("websockify-file", "/etc/tokens"))

    def test_token_files_that_lead_to_this_machine_are_allowed_to(self) -> None:
        path = Path(self.mktemp())
        path.write_text("a: localhost:5900\nb: 127.0.0.1:5901\nc: 10.0.0.5:5900\n")
        _, settings = self.source(f"--target-config {path} 6080")
        self.assertEqual(settings.addresses, {"127.0.0.1": "127.0.0.1", "localhost": "127.0.0.1"})
        _, unknown = self.source("--target-config /etc/tokens 6080")
        self.assertEqual(unknown.addresses, {})

    def test_redis(self) -> None:
        line = "--token-plugin TokenRedis --token-source {} 6080"
        for source, expected in {
            "r1": ("r1", 6379, 0, "", ""),
            "r1:6380": ("r1", 6380, 0, "", ""),
            "r1:::horse": ("r1", 6379, 0, "horse", ""),
            "r1:6380:1:horse:ns": ("r1", 6380, 1, "horse", "ns"),
            "'r1::::\"first:second\"'": ("r1", 6379, 0, "", "first:second"),
        }.items():
            with self.subTest(source=source):
                kind, settings = self.source(line.format(source))
                found = (
                    settings.host,
                    settings.port,
                    settings.db,
                    settings.password.get_secret_value(),
                    settings.namespace,
                )
                self.assertEqual((kind, found), ("websockify-redis", expected))

    def test_signed_tokens(self) -> None:
        kind, settings = self.source("--token-plugin JWTTokenApi --token-source /k.pem 6080")
        self.assertEqual((kind, str(settings.key_file)), ("jwt", "/k.pem"))

    def test_tokens_to_servers_behind_tls(self) -> None:
        _, settings = self.source("--ssl-target --target-config /etc/tokens 6080")
        self.assertEqual(settings.transport, "tls")

    def test_a_relative_path_is_completed(self) -> None:
        _, settings = self.source("--target-config tokens 6080")
        self.assertTrue(settings.path.is_absolute())

    def test_one_target(self) -> None:
        for line, address in {
            "6080 192.0.2.7:5900": "192.0.2.7:5900",
            "6080 5900": "127.0.0.1:5900",
            "6080 [::1]:5900": "[::1]:5900",
            "--ssl-target 6080 a:5900": "tls://a:5900",
            "--unix-target /run/x.sock 6080": "unix:/run/x.sock",
        }.items():
            with self.subTest(line=line):
                self.assertEqual(self.target(line), address)

    def test_heartbeat(self) -> None:
        self.assertEqual(self.settings("--heartbeat 30 6080 a:1").timeouts.ping_interval, 30)

    def test_origins(self) -> None:
        line = "--auth-plugin ExpectOrigin --auth-source 'https://a.org https://b.org' 6080 a:1"
        self.assertEqual(
            self.settings(line).public.allowed_origins, ("https://a.org", "https://b.org")
        )

    def test_what_has_no_counterpart_is_a_comment(self) -> None:
        for line, words in {
            "--web /usr/share/novnc": "# --web is not needed: the proxy serves its own page",
            "-D --log-file /var/log/w": "# --daemon is not needed",
            "--record /tmp/x": "# --record HAS NO COUNTERPART",
            "--frobnicate=horse": '# "--frobnicate" IS UNKNOWN',
            "--auth-plugin BasicHTTPAuth --auth-source u:horse": "# --auth-plugin Basic",
            "--token-plugin JSONTokenApi --token-source http://x/%s": "# --token-plugin JSON",
        }.items():
            with self.subTest(line=line):
                text = self.text(f"{line} 6080 a:1")
                self.assertIn(words, text)
                self.assertNotIn("horse", text)
                self.settings(f"{line} 6080 a:1")

    def test_a_wrapped_command(self) -> None:
        text = self.text("6080 -- vncserver -geometry 1024x768 :1")
        self.assertIn("# The wrapped command HAS NO COUNTERPART", text)

    def test_what_is_no_command_line_of_websockify(self) -> None:
        for line, words in {
            "": "names no port",
            "http": "port is not a number",
            "--cert": "--cert: expected one argument",
            "--heartbeat often 6080": "heartbeat is not a number",
            "--token-plugin TokenFile 6080": "needs --token-source",
            "--token-plugin TokenRedis --token-source a:b:c 6080": "token-source is not a number",
            "--token-plugin TokenRedis --token-source 'a\"b' 6080": "a quote in the wrong place",
            "--token-plugin TokenRedis --token-source a:1:2:b:c:d 6080": "more than five parts",
        }.items():
            with self.subTest(line=line):
                error = self.assertRaises(Misconfigured, self.text, line)
                self.assertIn(words, error.message)


class CommandTests(SynchronousTestCase):
    def test_the_configuration_is_printed(self) -> None:
        words = ["migrate", "websockify", "--", "--web", "/x", "6080", "--", "sleep", "1"]
        result = CliRunner().invoke(main, words)
        self.assertEqual(result.exit_code, 0, result.output)
        self.assertIn('web = ["tcp:6080"]', result.output)
        self.assertIn("# The wrapped command", result.output)

    def test_without_the_two_dashes(self) -> None:
        result = CliRunner().invoke(main, ["migrate", "websockify", "--web", "/x", "6080", "a:1"])
        self.assertEqual(result.exit_code, 0, result.output)

    def test_a_mistake_is_one_sentence(self) -> None:
        result = CliRunner().invoke(main, ["migrate", "websockify", "--", "http"])
        self.assertEqual((result.exit_code, result.output), (2, "Error: port is not a number\n"))
