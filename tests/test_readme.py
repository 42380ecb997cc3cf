"""What the README links to is there, and goes into a source distribution."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.cli import main
from vncproxy.config.check.values import check_values
from vncproxy.tap import load

ROOT = Path(__file__).resolve().parent.parent
SHELL = re.compile(r"^```(?:sh|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?:^|[$(] ?|[&|] )vncproxy (?!--)([^|)&]+)")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


class LinkTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.links = LINK.findall((ROOT / "README.md").read_text())
        self.assertIn("docs/img/console.png", self.links)

    def test_every_file_is_there(self) -> None:
        self.assertEqual([link for link in self.links if not (ROOT / link).is_file()], [])

    def test_every_file_is_distributed(self) -> None:
        words = (ROOT / "MANIFEST.in").read_text().split()

        self.assertEqual(
            [x for x in self.links if x not in words and x.split("/")[0] not in words], []
        )


class ConfigurationTests(SynchronousTestCase):
    def test_the_smallest_one_is_accepted_and_raises_no_warning(self) -> None:
        (text,) = re.findall(
            r"^```toml\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
        )
        path = Path(self.mktemp())
        path.write_text(text.replace("sha256:…", f"sha256:{'0' * 64}"))

        settings = load(path)

        self.assertEqual(list(settings.backends), ["kvm"])
        self.assertEqual([each.text for each in check_values(settings) if each.warning], [])


class CommandTests(SynchronousTestCase):
    """The commands that README and docs show are ones that there are."""

    def commands(self) -> list[list[str]]:
        """Return what stands behind ``vncproxy`` in blocks of shell commands, joined and split."""
        pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
        found: list[list[str]] = []
        for block in (block for page in pages for block in SHELL.findall(page.read_text())):
            for line in block.replace("\\\n", " ").splitlines():
                for command in COMMAND.findall(line):
                    found.append(shlex.split(command, comments=True))
        return found

    def test_every_one_has_options_that_are_known(self) -> None:
        commands = self.commands()
        self.assertGreater(len(commands), 10)
        for words in commands:
            with self.subTest(words):
                _parse(main, words)

    def test_extras_are_quoted_for_shells_that_match_files(self) -> None:
        text = (ROOT / "README.md").read_text()

        for found in re.finditer(r"pip install (\S+)", text):
            if "[" in found[1]:
                self.assertRegex(found[1], r"^'.*'")

    def test_every_extra_is_named(self) -> None:
        extras = set(
            re.findall(r"^    \"(\w+)\": \[", (ROOT / "setup.py").read_text(), re.MULTILINE)
        )
        self.assertIn("libvirt", extras)

        for extra in extras:
            self.assertIn(f"`{extra}`", (ROOT / "README.md").read_text())


def _parse(command: click.Command, words: list[str]) -> None:
    """Parse a command line as far down as it goes, without running anything.

    Raises:
        click.UsageError: there is no such command or option.
    """
    while isinstance(command, click.Group):
        name, words = words[0], words[1:]
        inner = command.get_command(click.Context(command), name)
        if inner is None:
            raise click.UsageError(f"no command {name}")
        command = inner
    if command.allow_extra_args or command.ignore_unknown_options:
        return
    command.make_parser(click.Context(command)).parse_args(words)
