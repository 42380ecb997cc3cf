"""The versions that run, and the configuration that they run by."""

from __future__ import annotations

import platform
from collections.abc import Callable

from prometheus_client import Gauge

import twisted

from .. import __version__
from .registry import Registry


def show_version(registry: Registry) -> None:
    """Add the versions of this proxy, of Python and of Twisted."""
    build = Gauge(
        "vncproxy_build_info",
        "1, with the versions that run.",
        ("version", "python", "twisted"),
        registry=registry,
        multiprocess_mode="livemax",
    )
    build.labels(__version__, platform.python_version(), twisted.__version__).set(1)


def show_digest(registry: Registry, current: Callable[[], str]) -> None:
    """Add the digest of the configuration in force.

    Args:
        current: returns the digest.
    """
    shown: dict[str, float] = {}

    def read() -> dict[str, float]:
        for digest in shown:
            shown[digest] = 0.0
        shown[current()] = 1.0
        return shown

    text = "1 for the digest of the configuration in force, 0 for those before."
    registry.gauge("vncproxy_configuration_info", text, read, "digest", "livemax")
