"""What an ordinary installation brings: the plug-in, the command, the backends and the page."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).resolve().parents[2]


@cache
def installation() -> Path:
    """Install the checkout, without its dependencies, from a copy of what git tracks."""
    folder = Path(tempfile.mkdtemp(prefix="installed-"))
    sources = folder / "sources"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(sources)], check=True)
    target = folder / "site"
    command = [*(sys.executable, "-m", "pip", "install", "-q", "--no-deps"), "--target"]
    subprocess.run([*command, str(target), str(sources)], check=True, capture_output=True)
    return target


def run(*command: str) -> str:
    """Run a command that sees the installation and not the checkout."""
    done = subprocess.run(
        command,
        cwd=installation().parent,
        env={**os.environ, "PYTHONPATH": str(installation())},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout + done.stderr


class InstallationTests(SynchronousTestCase):
    timeout = 300

    def test_twistd_and_twist_know_the_plug_in(self) -> None:
        plugins = installation() / "twisted" / "plugins"
        self.assertTrue((plugins / "vncproxy_plugin.py").exists())
        for program in ("twistd", "twist"):
            path = str(Path(sys.executable).with_name(program))
            self.assertIn("vncproxy", run(sys.executable, path, "--help"))

    def test_the_command_is_there(self) -> None:
        self.assertTrue((installation() / "bin" / "vncproxy").exists())

    def test_the_backends_are_part_of_it(self) -> None:
        where = run(
            sys.executable, "-c", "import vncproxy.backends.static.backend as s; print(s.__file__)"
        )

        self.assertTrue(where.startswith(str(installation())), where)

    def test_the_page_is_part_of_it(self) -> None:
        static = installation() / "vncproxy" / "web" / "static"

        self.assertTrue((static / "index.html").exists())
        self.assertTrue((static / "novnc" / "core" / "rfb.js").exists())

    def test_no_package_init_hides_twisted(self) -> None:
        self.assertFalse((installation() / "twisted" / "__init__.py").exists())
        self.assertFalse((installation() / "twisted" / "plugins" / "__init__.py").exists())
