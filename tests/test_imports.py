from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

from twisted.trial.unittest import SynchronousTestCase

from tests.import_rules import MAY_IMPORT, part_of, violations

ROOT = Path(__file__).parents[1]


def modules() -> Iterator[tuple[str, Path]]:
    for folder, package in (("vncproxy", "vncproxy"), ("backends", "vncproxy.backends")):
        for path in sorted((ROOT / folder).rglob("*.py")):
            inner = path.relative_to(ROOT / folder).with_suffix("").parts
            if "node_modules" not in inner:
                yield ".".join((package, *inner)), path


class TreeTests(SynchronousTestCase):
    def test_every_module_keeps_the_rules(self) -> None:
        found: list[str] = []
        for name, path in modules():
            is_package = path.name == "__init__.py"
            module = name.removesuffix(".__init__")
            found += violations(module, path.read_text(), is_package=is_package)
        self.assertEqual(found, [])

    def test_the_modules_are_found(self) -> None:
        names = {name for name, _ in modules()}
        self.assertLessEqual({"vncproxy.errors.root", "vncproxy.backends.static.backend"}, names)

    def test_the_rules_lead_round_in_no_circle(self) -> None:
        left = {
            part: {part_of(f"vncproxy.{other}") for other in may}
            for part, may in MAY_IMPORT.items()
        }
        while leaves := {part for part, others in left.items() if not others & left.keys()}:
            left = {part: others for part, others in left.items() if part not in leaves}
        self.assertEqual(left, {})


class CheckerTests(SynchronousTestCase):
    def found(self, module: str, source: str, *, is_package: bool = False) -> list[str]:
        lines = violations(f"vncproxy.{module}", dedent(source), is_package=is_package)
        return [line.partition(": ")[2] for line in lines]

    def assert_refused(self, module: str, source: str, complaint: str) -> None:
        self.assertEqual(self.found(module, source), [complaint])

    def test_what_is_allowed_passes(self) -> None:
        for module, source in (
            ("model", "from .errors import BadRequest"),
            ("rfb.security", "from ..errors import X\nfrom ..handshake.steps import Read"),
            ("backends.libvirt", "from vncproxy.backends.libvirt.domain_xml import x"),
            ("backends.libvirt", "from vncproxy.config.secret import Secret"),
            ("tap", "def f():\n    from twisted.internet import reactor"),
            ("relay.fast", "from twisted.internet.tcp import _x\ny = transport._z"),
            ("upstream", "import autobahn"),
            ("session", "from __future__ import annotations\nself._x = 1\nother._x = 2"),
            ("session", "parts._replace(a=1)\nx.__class__"),
        ):
            with self.subTest(module=module, source=source):
                self.assertEqual(self.found(module, source), [])

    def test_a_part_may_import_only_what_its_rule_names(self) -> None:
        self.assert_refused("errors", "from .model import X", "errors may not import model")
        self.assert_refused(
            "backends.toy", "import vncproxy.session.session", "backends may not import session"
        )
        self.assert_refused(
            "downstream.routes", "from .. import upstream", "downstream may not import upstream"
        )

    def test_a_rule_may_name_one_module(self) -> None:
        self.assertEqual(self.found("backends.toy", "from ..config.secret import Secret"), [])
        self.assert_refused(
            "backends.toy", "from ..config import load", "backends may not import config.load"
        )

    def test_a_package_within_a_part_may_have_a_rule_of_its_own(self) -> None:
        self.assertEqual(self.found("config.check.x", "from ...upstream import X"), [])
        self.assert_refused(
            "config.x", "from ..upstream import X", "config may not import upstream"
        )

    def test_relative_imports_of_a_package_are_its_own(self) -> None:
        self.assertEqual(self.found("rfb", "from .pixels import X", is_package=True), [])
        self.assertEqual(
            self.found("rfb", "from ..session import X", is_package=True),
            ["rfb may not import session"],
        )

    def test_imports_inside_functions_count(self) -> None:
        self.assert_refused(
            "model", "def f():\n    from .session import X", "model may not import session"
        )

    def test_a_part_without_a_rule_is_refused(self) -> None:
        self.assert_refused("utils", "from .errors import X", "no rule says what utils may import")

    def test_foreign_packages_stay_in_their_parts(self) -> None:
        self.assert_refused("session", "import txredisapi", "txredisapi belongs to redis")
        self.assert_refused(
            "api.site",
            "from autobahn.twisted import websocket",
            "autobahn belongs to downstream, upstream",
        )

    def test_the_protocol_knows_no_twisted_internet(self) -> None:
        for source in (
            "from twisted.internet import defer",
            "import twisted.internet.defer",
            "from twisted import internet",
            "from twisted.internet.defer import Deferred",
        ):
            with self.subTest(source=source):
                self.assert_refused("handshake", source, "handshake knows no twisted.internet")

    def test_the_reactor_is_never_imported_at_module_level(self) -> None:
        for source in (
            "from twisted.internet import reactor",
            "import twisted.internet.reactor",
            "class X:\n    from twisted.internet import reactor",
            "if True:\n    from twisted.internet import reactor as r",
        ):
            with self.subTest(source=source):
                self.assert_refused("tap", source, "the reactor is imported at module level")

    def test_the_reactor_is_for_those_who_put_things_together(self) -> None:
        self.assert_refused(
            "session",
            "async def f():\n    from twisted.internet import reactor",
            "the reactor belongs to cli, demo, service, supervisor, tap",
        )

    def test_backends_are_not_imported_from_the_top(self) -> None:
        for source in ("import backends", "from backends import static"):
            with self.subTest(source=source):
                self.assert_refused("tap", source, "backends is imported as vncproxy.backends")

    def test_private_names_of_the_frameworks_stay_in_the_relay(self) -> None:
        self.assert_refused(
            "upstream",
            "from twisted.internet._sslverify import X",
            "twisted.internet._sslverify.X is private",
        )
        self.assert_refused(
            "downstream.socket",
            "from autobahn.websocket.protocol import _x",
            "autobahn.websocket.protocol._x is private",
        )

    def test_private_attributes_of_others_stay_in_the_relay(self) -> None:
        self.assert_refused(
            "upstream", "transport._tlsConnection", "transport._tlsConnection is private"
        )

    def test_the_line_is_named(self) -> None:
        self.assertEqual(
            violations("vncproxy.model", "\nimport vncproxy.session.session"),
            ["vncproxy.model:2: model may not import session"],
        )
