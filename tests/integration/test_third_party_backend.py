"""A backend of a third party, in a distribution of its own, found by its entry point."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any
from unittest import TestResult, TestSuite

from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface.verify import verifyObject

from vncproxy.backends import find, make, names, new_context
from vncproxy.errors import ConfigurationError
from vncproxy.interfaces import IConsoleBackend
from vncproxy.testing import BackendContract, FakeCalls

PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "vncproxy-toy"
version = "1.0"

[project.entry-points."vncproxy.backends"]
toy = "vncproxy_toy:ToyBackend"
old-toy = "vncproxy_toy:OldToyBackend"
broken = "vncproxy_toy_without_its_sdk:Backend"

[tool.setuptools]
py-modules = ["vncproxy_toy"]
"""

MODULE = '''
from pydantic import BaseModel, ConfigDict
from zope.interface import implementer

from vncproxy.errors import VMNotFound
from vncproxy.interfaces import IConsoleBackend
from vncproxy.model import ConsoleEndpoint, Transport


class ToySettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str


@implementer(IConsoleBackend)
class ToyBackend:
    """Machines called by their display number."""

    Settings = ToySettings

    def __init__(self, context):
        self._host = context.settings.host

    async def locate(self, vm):
        if not vm.isdigit():
            raise VMNotFound(f"{vm!r} is not a display number")
        return ConsoleEndpoint(Transport.TCP, host=self._host, port=5900 + int(vm))

    async def probe(self):
        return f"toys at {self._host}"

    async def close(self):
        pass


class OldToyBackend(ToyBackend):
    """The same, as it was written for the first release."""

    def __init__(self, name, settings, calls):
        self._host = settings.host
'''


@cache
def installed_toys() -> str:
    """Build and install the distribution with pip, and return the directory that now has it."""
    source = Path(tempfile.mkdtemp(prefix="vncproxy-toy-"))
    atexit.register(shutil.rmtree, source)
    (source / "pyproject.toml").write_text(PROJECT)
    (source / "vncproxy_toy.py").write_text(MODULE)
    site = str(source / "site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    pip.append("--no-build-isolation")  # setuptools is here, and a registry may not be
    subprocess.run([*pip, "--target", site, str(source)], check=True)
    return site


class ThirdPartyTests(SynchronousTestCase):
    """The distribution stands in a directory of its own on the path."""

    def setUp(self) -> None:
        sys.path.append(installed_toys())
        self.addCleanup(sys.path.remove, installed_toys())
        self.addCleanup(sys.modules.pop, "vncproxy_toy", None)

    def made(self, name: str) -> Any:
        kind = find(name)
        settings = kind.Settings.model_validate({"host": "10.0.0.5"})
        context = new_context(kind, "playroom", settings, FakeCalls(), MemoryReactorClock())
        with capturedLogs() as events:
            backend = make(kind, context)
        self.warned = [event["backend"] for event in events]
        return backend

    def test_it_is_found_by_its_name_and_locates_consoles(self) -> None:
        for name, warned in (("toy", []), ("old-toy", ["playroom"])):
            backend = self.made(name)
            self.assertTrue(verifyObject(IConsoleBackend, backend))
            endpoint = self.successResultOf(Deferred.fromCoroutine(backend.locate("7")))
            self.assertEqual(str(endpoint), "tcp:10.0.0.5:5907")
            self.assertEqual(self.warned, warned)

    def test_it_passes_the_contract(self) -> None:
        made = self.made

        class Contract(BackendContract, TestCase):
            known_vm = "7"

            def make_backend(self) -> Any:
                return made("toy")

        result = TestResult()
        names = [name for name in dir(Contract) if name.startswith("test_")]
        TestSuite(map(Contract, names)).run(result)
        self.assertEqual((result.errors, result.failures), ([], []))
        self.assertGreater(result.testsRun, 8)

    def test_it_is_named_among_the_installed_ones(self) -> None:
        self.assertIn("toy", names())

    def test_one_whose_module_cannot_be_imported_is_told(self) -> None:
        with self.assertRaises(ConfigurationError) as caught:
            find("broken")
        self.assertIn("backend 'broken' cannot be loaded", str(caught.exception))

    def test_a_name_that_is_not_installed_is_told_with_the_ones_that_are(self) -> None:
        with self.assertRaises(ConfigurationError) as caught:
            find("tyo")
        self.assertIn("no backend 'tyo'; installed are", str(caught.exception))
        self.assertIn("toy", str(caught.exception))
