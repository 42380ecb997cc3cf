"""The plugin of ``twistd vncproxy``: its command line, and the service that it runs.

`vncproxy.service.composition` puts the proxy together.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .service.garbage import freeze_what_is_there, no_collections

with no_collections():
    from pydantic import ValidationError
    from twisted.application.service import IService
    from twisted.logger import Logger
    from twisted.python.usage import Options as UsageOptions

    from .config.settings import Listen, Settings
    from .config.shares import share_of
    from .errors import ConfigurationError
    from .logs.process import process_logging
    from .service.announced import proxy_name
    from .service.components import Components, make_components
    from .service.composition import make_service
    from .service.gateway import Gateway
    from .service.loading import load, source_settings
    from .service.monotonic import use_monotonic_clock
    from .service.notify import Notifier
    from .service.signals import HangupHandler, TerminationHandler, UpgradeHandler
    from .service.systemd import SystemdService
    from .service.zone_links import links_to_check
    from .supervisor.composition import make_supervisor

__all__ = [
    "Components",
    "Gateway",
    "Options",
    "links_to_check",
    "load",
    "makeService",
    "make_components",
    "make_service",
    "proxy_name",
    "source_settings",
]


class Options(UsageOptions):
    """The command line of ``twistd vncproxy``."""

    synopsis = "[options]"
    longdesc = (
        "Serves consoles of virtual machines to browsers and TCP viewers. All options are "
        "described in etc/vncproxy.toml; `vncproxy check-config` lists the errors of a file."
    )
    optParameters = [
        ["config", "c", None, "the configuration file; without one, all options have their default"]
    ]

    def __init__(self) -> None:
        super().__init__()
        self.listen: dict[str, list[str]] = {}
        self.text: bytes | None = None

    def opt_web(self, endpoint: str) -> None:
        """Listen for browsers here (an endpoint string) instead of listen.web; repeatable."""
        self.listen.setdefault("web", []).append(endpoint)

    def opt_xvp(self, endpoint: str) -> None:
        """Listen for TCP viewers here instead of listen.xvp; repeatable."""
        self.listen.setdefault("xvp", []).append(endpoint)

    def opt_rfb(self, endpoint: str) -> None:
        """Listen for viewers that log in over RFB here instead of listen.rfb; repeatable."""
        self.listen.setdefault("rfb", []).append(endpoint)

    def opt_api(self, endpoint: str) -> None:
        """Listen for the HTTP API here instead of listen.api; repeatable."""
        self.listen.setdefault("api", []).append(endpoint)

    def settings(self) -> Settings:
        """Read the configuration; listeners of the command line replace those of the file.

        Raises:
            ConfigurationError: with one line for each error.
        """
        path = self["config"]
        settings = load(Path(path), self.text) if path else Settings()
        listeners = {name: tuple(endpoints) for name, endpoints in self.listen.items()}
        return settings.model_copy(update={"listen": _listen(settings, listeners)})

    def postOptions(self) -> None:
        """Check the configuration before the process goes to the background."""
        try:
            self.checked = self.settings()
            if self.parent is not None:
                process_logging.configure(self.checked.log.format, self.checked.log.level)
                process_logging.take_over(self.parent, _in_reactor)
            if self["config"]:  # twistd may go to another directory before it is read again
                self["config"] = str(Path(self["config"]).absolute())
        except ConfigurationError as e:
            raise SystemExit(_usage_error(e)) from e

    def for_workers(self) -> list[str]:
        """Return this command line, without the name of the program, for workers."""
        named = [("config", self["config"])]
        named += [(name, text) for name, texts in self.listen.items() for text in texts]
        return [f"--{name}={text}" for name, text in named]


class WorkerOptions(Options):
    """The command line of a worker's process, which its supervisor makes.

    Args:
        text: of the configuration.
    """

    optParameters = [
        ["worker", None, "1", "the number of the worker"],
        ["generation", None, "1", "counts the upgrades"],
        ["reactor", None, "default", "the reactor, as for twistd"],
    ]

    def __init__(self, text: bytes) -> None:
        super().__init__()
        self.text = text

    def settings(self) -> Settings:
        """Read the configuration; of the limits, the worker has a part.

        Raises:
            ConfigurationError: with one line for each error.
        """
        return share_of(super().settings())

    def postOptions(self) -> None:
        """Check the configuration.

        Raises:
            ConfigurationError: with one line for each error.
        """
        self.checked = self.settings()


def _in_reactor(call: Callable[[], object]) -> None:
    from twisted.internet import reactor

    threads: Any = reactor
    threads.callFromThread(call)


def _listen(settings: Settings, overrides: dict[str, tuple[str, ...]]) -> Listen:
    try:
        return Listen.model_validate({**settings.listen.model_dump(), **overrides})
    except ValidationError as e:
        lines = [
            f"--{error['loc'][0]}: {error['msg'].removeprefix('Value error, ')}"
            for error in e.errors()
        ]
        raise ConfigurationError("\n".join(lines)) from e


def _usage_error(error: ConfigurationError) -> int:
    """Print the errors of the configuration; returns the exit status."""
    print(error.detail, file=sys.stderr)
    return 2


def makeService(options: Options) -> IService:
    """Return the whole proxy as a service."""
    from twisted.internet import reactor

    use_monotonic_clock(reactor)
    make = _supervisor if options.checked.proxy.supervised else _single_process
    try:
        return make(options, reactor)
    except ConfigurationError as e:
        raise SystemExit(_usage_error(e)) from e


def _single_process(options: Options, reactor: Any) -> IService:
    gateway = make_service(
        options.checked, reactor, read=options.settings, process_options=options.parent or {}
    )
    notifier = Notifier()
    gateway.addService(SystemdService(notifier, gateway.sessions, reactor))
    HangupHandler(reactor, gateway.reload)
    TerminationHandler(reactor, gateway.finish)
    UpgradeHandler(reactor, _say_what_an_upgrade_needs)
    reactor.callWhenRunning(freeze_what_is_there)
    return gateway


def _supervisor(options: Options, reactor: Any) -> IService:
    supervisor = make_supervisor(
        options.checked,
        Path(options["config"]),
        options.for_workers(),
        lambda: make_service(options.checked, reactor),
        options.parent or {},
        reactor,
    )
    HangupHandler(reactor, supervisor.reload)
    TerminationHandler(reactor, supervisor.finish)
    UpgradeHandler(reactor, supervisor.upgrade)
    return supervisor


def _say_what_an_upgrade_needs() -> None:
    Logger().warn(
        "SIGUSR2: nothing is upgraded, since this process is the only one; [proxy] workers = 2 or "
        "more, or supervisor = true, and a restart make that possible"
    )
