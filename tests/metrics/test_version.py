from __future__ import annotations

import platform

from twisted.trial.unittest import SynchronousTestCase

import twisted
from vncproxy import __version__
from vncproxy.metrics import Registry
from vncproxy.metrics.version import show_digest, show_version


class VersionTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.registry = Registry()

    def test_versions(self) -> None:
        show_version(self.registry)

        labels = {
            "version": __version__,
            "python": platform.python_version(),
            "twisted": twisted.__version__,
        }
        self.assertEqual(self.registry.get_sample_value("vncproxy_build_info", labels), 1)

    def test_digest_of_the_configuration_in_force(self) -> None:
        digest = ["aaaa"]
        show_digest(self.registry, lambda: digest[0])
        self.assertEqual(self.info("aaaa"), 1)

        digest[0] = "bbbb"

        self.assertEqual(self.info("bbbb"), 1)
        self.assertEqual(self.info("aaaa"), 0)

    def info(self, digest: str) -> float | None:
        name = "vncproxy_configuration_info"
        return self.registry.get_sample_value(name, {"digest": digest})
