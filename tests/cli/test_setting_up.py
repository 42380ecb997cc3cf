from __future__ import annotations

import hashlib
import re
import socket
from pathlib import Path
from typing import Any
from unittest.mock import patch

from click.testing import CliRunner, Result
from twisted.trial.unittest import SynchronousTestCase

from tests.components.host_proxies import OF_HOST
from vncproxy.cli import main, setting_up, systemd_unit
from vncproxy.cli.failures import Misconfigured
from vncproxy.cli.kvm_host import KVMHost, configuration
from vncproxy.cli.self_signed import is_for, self_signed
from vncproxy.cli.systemd_unit import unit_text
from vncproxy.cli.written_files import WrittenFile
from vncproxy.config.settings import Settings
from vncproxy.tap import load

COMMAND = "setup", "kvm", "--no-service"


class ConfigurationTests(SynchronousTestCase):
    def settings(self, **chosen: Any) -> Settings:
        """Return the settings, which the proxy itself reads from what is written."""
        path = Path(self.mktemp())
        path.write_text(configuration(KVMHost("{address:lo}", **chosen)))
        return load(path)

    def test_it_is_what_the_documentation_has(self) -> None:
        host = KVMHost("{address:eth1}", "203.0.113.2", redis=("10.1.0.9", 6379))
        self.assertEqual(configuration(host), OF_HOST)

    def test_the_local_libvirt_by_passed_descriptors(self) -> None:
        settings = self.settings()
        table: Any = settings.backends["kvm"].settings
        self.assertEqual((table.uri, table.open_graphics), ("qemu:///system", "always"))
        self.assertEqual(settings.proxy.serves, "auto")
        self.assertEqual(settings.public.announced[0], "http://127.0.0.1:6080/")

    def test_an_issuer_that_is_asked(self) -> None:
        key = Path(self.mktemp()).absolute()
        key.write_text("secret\n")
        chosen = {"issuer": "https://issuer:6082", "issuer_key": key, "issuer_ca": key}
        peer = self.settings(**chosen).peers["issuer"]
        self.assertEqual((peer.hosts, peer.key.get_secret_value()), (("*",), "secret"))

    def test_https_for_browsers(self) -> None:
        files = Path(self.mktemp()).absolute(), Path(self.mktemp()).absolute()
        text = configuration(KVMHost("node1", certificate=files))
        self.assertIn('base_url = "https://node1:6080/"', text)
        self.assertIn(f"ssl:6080:privateKey={files[1]}:certKey={files[0]}", text)


class CommandTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.config = Path(self.mktemp()).absolute() / "vncproxy.toml"

    def run_setup(self, *options: str, status: int = 0) -> str:
        """Run the command without its checks, which need a libvirt."""
        words = [*COMMAND, "--config", str(self.config), "--address", "node1", *options]
        with patch.object(setting_up, "print_findings", return_value=True):
            done: Result = CliRunner().invoke(main, words)
        self.assertEqual(done.exit_code, status, done.output)
        return done.output

    def test_it_writes_what_the_proxy_reads(self) -> None:
        told = self.run_setup(
            "--redis", "10.1.0.9:6380", "--allowed-origin", "https://p.example.com"
        )

        settings = load(self.config)
        self.assertEqual((settings.redis.host, settings.redis.port), ("10.1.0.9", 6380))
        self.assertEqual(settings.public.allowed_origins, ("https://p.example.com",))
        self.assertIn(f"{self.config}: written", told)
        self.assertIn("To test it, there: vncproxy token issue kvm/MACHINE", told)

    def test_again_it_changes_what_its_options_say(self) -> None:
        self.run_setup("--redis", "10.1.0.9")
        self.assertIn("as it was", self.run_setup("--redis", "10.1.0.9"))
        self.assertIn("replaced", self.run_setup("--redis", "10.1.0.8"))
        self.assertEqual(load(self.config).redis.host, "10.1.0.8")
        self.assertEqual(len(list(self.config.parent.iterdir())), 1)

    def test_what_was_edited_stays_unless_it_is_forced_and_is_kept_then(self) -> None:
        self.run_setup("--redis", "10.1.0.9")
        edited = self.config.read_text().replace("10.1.0.9", "10.1.0.7")
        self.config.write_text(edited)

        self.assertIn("was edited since", self.run_setup("--redis", "10.1.0.9", status=2))
        self.assertEqual(self.config.read_text(), edited)
        self.run_setup("--redis", "10.1.0.9", "--force")
        self.assertEqual(load(self.config).redis.host, "10.1.0.9")
        self.assertEqual(self.config.with_name("vncproxy.toml.bak").read_text(), edited)

    def test_a_file_of_others_stays(self) -> None:
        self.config.parent.mkdir()
        for content in (b"", b"[proxy]\n", b"\xff"):
            self.config.write_bytes(content)
            self.run_setup("--redis", "10.1.0.9", status=2)
            self.assertEqual(self.config.read_bytes(), content)

    def test_without_redis_the_issuer_gets_a_key_once(self) -> None:
        told = self.run_setup("--public", "203.0.113.2")

        self.assertIn('api = "https://203.0.113.2:6443"', told)
        (key,) = re.findall(r"shown only now:\n(\S{43})\n", told)
        for file in self.config.parent.iterdir():
            self.assertNotIn(key, file.read_text())
        self.assertEqual(self.config.with_name("api.key").stat().st_mode & 0o777, 0o600)
        again = self.run_setup("--public", "203.0.113.2")
        self.assertIn("the key that the first run has shown", again)
        self.assertIn(f"For a new key, remove {self.config.with_name('issuer.hash')} and", again)
        self.assertIn("as it was", again)

    def test_the_key_is_shown_whatever_fails_afterwards(self) -> None:
        with patch.object(WrittenFile, "write", side_effect=Misconfigured("the disk is full")):
            told = self.run_setup(status=2)
        (key,) = re.findall(r"shown only now:\n(\S{43})\n", told)
        kept = self.config.with_name("issuer.hash").read_text()
        self.assertEqual(kept, f"sha256:{hashlib.sha256(key.encode()).hexdigest()}\n")

    def test_a_new_key_after_the_hash_is_removed(self) -> None:
        first = self.run_setup()
        self.config.with_name("issuer.hash").unlink()
        second = self.run_setup()
        keys = re.findall(r"shown only now:\n(\S{43})\n", first + second)
        self.assertEqual(len(set(keys)), 2)
        digest = hashlib.sha256(keys[1].encode()).hexdigest()
        self.assertIn(digest, self.config.read_text())

    def test_the_issuer_reaches_the_host_by_its_address(self) -> None:
        name = socket.gethostname()
        for options, host in (
            (("--address", name), name),
            (("--address", name, "--public", name), name),
            (("--address", "fd00::2"), "[fd00::2]"),
            (("--address", "fd00::2", "--public", "2001:db8::2"), "[2001:db8::2]"),
        ):
            with self.subTest(options=options):
                told = self.run_setup(*options)
                self.assertIn(f'\napi = "https://{host}:6443"\n', told)

    def test_the_issuer_reaches_the_host_by_the_address_of_an_interface(self) -> None:
        words = [*COMMAND, "--config", str(self.config), "--interface", "eth1"]
        with (
            patch.object(setting_up, "print_findings", return_value=True),
            patch.object(setting_up, "interface_address", return_value="fd00::2"),
        ):
            told = CliRunner().invoke(main, words).output
        self.assertIn('\napi = "https://[fd00::2]:6443"\n', told)

    def test_the_certificate_is_made_again_for_another_address(self) -> None:
        self.run_setup()
        file = self.config.with_name("api.pem")
        self.assertFalse(is_for(file, ["203.0.113.2"]))
        self.run_setup("--public", "203.0.113.2")
        self.assertTrue(is_for(file, ["203.0.113.2", "node1"]))

    def test_a_dry_run_writes_nothing(self) -> None:
        told = self.run_setup("--redis", "10.1.0.9", "--dry-run")
        self.assertTrue(told.startswith("[proxy]"))
        self.assertFalse(self.config.parent.exists())

    def test_options_that_cannot_be(self) -> None:
        for options, words in (
            (("--interface", "lo"), "--interface and --address exclude each other"),
            (("--redis", "r", "--issuer", "https://i"), "exclude each other"),
            (("--key", __file__), "--key needs --certificate"),
            (("--issuer", "https://i"), "--issuer needs --issuer-key"),
            (("--redis", "r:x"), "'x' is no port"),
            (("--public", "127.0.0.1"), "leads users to their own machine"),
            (("--public", "a b"), "must be a host name"),
        ):
            with self.subTest(options=options):
                self.assertIn(words, self.run_setup(*options, status=2))

    def test_help_has_examples(self) -> None:
        told = CliRunner().invoke(main, ["setup", "kvm", "--help"]).output
        self.assertIn("vncproxy setup kvm --interface eth1 --public 203.0.113.2", told)


class UnitTests(SynchronousTestCase):
    def test_it_is_the_shipped_one_with_these_paths_and_credentials(self) -> None:
        text = unit_text(Path("/etc/x/y.toml"), {"redis": Path("/etc/x/redis.pw")})

        self.assertIn("\nLoadCredential=redis:/etc/x/redis.pw\n", text)
        self.assertIn("\nSupplementaryGroups=libvirt\n", text)
        self.assertIn("twistd --nodaemon --pidfile= vncproxy --config /etc/x/y.toml\n", text)
        self.assertNotIn("/opt/vncproxy/", text)
        self.assertTrue(text.startswith("[Unit]\n"))

    def test_with_systemd_secrets_are_credentials(self) -> None:
        config = Path(self.mktemp()).absolute() / "vncproxy.toml"
        password, unit = Path(self.mktemp()).absolute(), Path(self.mktemp()).absolute()
        password.write_text("horse\n")
        started: list[bool] = []
        words = ["setup", "kvm", "--config", str(config), "--address", "node1", "--redis", "r"]
        words += ["--certificate", str(password), "--key", str(password)]
        with (
            patch.object(systemd_unit, "has_systemd", return_value=True),
            patch.object(systemd_unit, "enable", lambda: started.append(True)),
            patch.object(setting_up, "UNIT", unit),
        ):
            done = CliRunner().invoke(main, [*words, "--redis-password", str(password)])

        self.assertEqual((done.exit_code, started), (0, [True]), done.output)
        self.assertIn(f"LoadCredential=redis:{password}", unit.read_text())
        for name in ("redis", "web.pem", "web.key"):
            self.assertIn(f"/run/credentials/vncproxy.service/{name}", config.read_text())
        self.assertEqual(config.parent.stat().st_mode & 0o777, 0o755)
        self.assertNotIn("horse", config.read_text() + done.output)


class SelfSignedTests(SynchronousTestCase):
    def test_for_names_and_addresses(self) -> None:
        path = Path(self.mktemp())
        path.write_text(self_signed("node1", "10.1.0.2", "fd00::2")[0])
        self.assertTrue(is_for(path, ["node1", "10.1.0.2", "fd00::2"]))
        self.assertFalse(is_for(path, ["node2"]))
        self.assertFalse(is_for(Path(self.mktemp()), ["node1"]))
