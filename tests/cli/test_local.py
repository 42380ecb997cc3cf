from __future__ import annotations

import hashlib
import json
import re
import tomllib
from pathlib import Path

from click.testing import CliRunner, Result
from twisted.trial.unittest import SynchronousTestCase

from vncproxy import __version__
from vncproxy.cli import main
from vncproxy.demo import run as demonstration
from vncproxy.zones.keys import PrivateKey


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


class NewKeyTests(SynchronousTestCase):
    def test_printed_lines_are_the_configuration_of_the_printed_key(self) -> None:
        output = run("key", "new", "portal").stdout

        first, rest = output.split("\n", 1)
        key = first.removeprefix("key:").strip()
        table = tomllib.loads(rest.split("\n\n", 1)[1])["api"]["keys"]["portal"]
        self.assertEqual(table["hash"], f"sha256:{hashlib.sha256(key.encode()).hexdigest()}")
        self.assertEqual((table["scopes"], table["backends"]), (["issue", "read"], ["*"]))

    def test_scopes_and_backends_are_chosen(self) -> None:
        options = ("--scope", "admin", "--scope", "admin", "--backend", "kvm", "--backend", "esx")

        made = json.loads(run("key", "new", "a", *options, "--json").stdout)

        self.assertEqual((made["name"], made["scopes"]), ("a", ["admin"]))
        self.assertEqual(made["backends"], ["kvm", "esx"])
        self.assertEqual(len(made["key"]), 43)

    def test_wrong_words_are_usage_errors(self) -> None:
        for arguments in (("a b",), ("a.b",), ("_a",), ("a" * 65,), ("a", "--scope", "root")):
            self.assertEqual(run("key", "new", *arguments).exit_code, 2)


class NewZoneKeyTests(SynchronousTestCase):
    def test_both_sides_get_their_lines(self) -> None:
        output = run("key", "new", "--zone", "madrid").stdout

        (private,) = re.findall(r"^zone-private:.+$", output, re.MULTILINE)
        tables = tomllib.loads(output.replace(private, ""))["zones"]
        key = PrivateKey.parse(private)
        self.assertEqual(tables["THIS"]["accept"]["keys"], [str(key.public)])
        self.assertEqual(tables["madrid"]["key"], {"file": "/etc/vncproxy/madrid.key"})

    def test_json_for_programs(self) -> None:
        made = json.loads(run("key", "new", "--zone", "madrid", "--json").stdout)

        key = PrivateKey.parse(made["private"])
        self.assertEqual((made["zone"], made["id"]), ("madrid", key.id))
        self.assertEqual(made["public"], str(key.public))

    def test_a_name_that_cannot_be(self) -> None:
        for name in ("", "a b", "a/b", "x" * 65):
            self.assertEqual(run("key", "new", "--zone", name).exit_code, 2)


class DemoTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.started: list[tuple[object, ...]] = []
        self.status = 0
        self.patch(demonstration, "run", self.demonstrate)

    def demonstrate(self, *options: object) -> int:
        self.started.append(options)
        return self.status

    def test_defaults_are_for_this_machine_only(self) -> None:
        self.assertEqual(run("demo").exit_code, 0)
        self.assertEqual(self.started, [(6080, "127.0.0.1", "")])

    def test_options_are_handed_on(self) -> None:
        run("demo", "--port", "7000", "--listen", "::1", "--target", "h:5901,pw")

        self.assertEqual(self.started, [(7000, "::1", "h:5901,pw")])

    def test_port_must_be_one(self) -> None:
        self.assertEqual(run("demo", "--port", "65536").exit_code, 2)

    def test_exit_status_is_the_demonstrations(self) -> None:
        self.status = 1

        self.assertEqual(run("demo").exit_code, 1)


class CheckConfigTests(SynchronousTestCase):
    def test_mistakes_are_json_for_programs_too(self) -> None:
        path = Path(self.mktemp())
        path.write_text("[limits]\nsessions = 0\nheader_bytes = 1\n")

        result = run("check-config", "--config", str(path), "--json")

        self.assertEqual((result.exit_code, result.stderr), (2, ""))
        findings = json.loads(result.stdout)
        self.assertEqual({finding["ok"] for finding in findings}, {False})
        self.assertEqual(len([f for f in findings if "[limits] " in f["text"]]), 2)


class HelpTests(SynchronousTestCase):
    def test_every_command_has_help_with_its_purpose(self) -> None:
        for command in (
            "",
            "demo",
            "check-config",
            "token",
            "token issue",
            "token show",
            "token revoke",
            "sessions list",
            "sessions end",
            "bridge",
            "key new",
        ):
            result = run(*command.split(), "--help")

            self.assertEqual(result.exit_code, 0, command)
            self.assertTrue(result.stdout.split("\n\n")[1].strip().endswith("."), command)

    def test_exit_statuses_are_documented(self) -> None:
        self.assertIn("3  the API or the proxy cannot be reached", run("--help").stdout)

    def test_version_is_printed(self) -> None:
        self.assertEqual(run("--version").stdout, f"vncproxy, version {__version__}\n")

    def test_configuration_that_does_not_exist_is_a_usage_error(self) -> None:
        result = run("check-config", "--config", "nowhere.toml")

        self.assertEqual(result.exit_code, 2)
        self.assertIn("does not exist", result.stderr)
