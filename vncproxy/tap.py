"""The plugin of ``twistd vncproxy``: its command line, and the service that it runs.

`vncproxy.service.composition` puts the proxy together.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pydantic import ValidationError
from twisted.application.service import IService
from twisted.python.usage import Options as UsageOptions

from .config.settings import Listen, Settings
from .errors import ConfigurationError
from .service.components import Components, make_components
from .service.composition import load, make_service, source_settings
from .service.gateway import Gateway
from .service.monotonic import use_monotonic_clock
from .service.signals import HangupHandler, TerminationHandler
from .service.sites import proxy_name

__all__ = [
    "Components",
    "Gateway",
    "Options",
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

    def opt_web(self, endpoint: str) -> None:
        """Listen for browsers here (an endpoint string) instead of listen.web; repeatable."""
        self.listen.setdefault("web", []).append(endpoint)

    def opt_xvp(self, endpoint: str) -> None:
        """Listen for TCP viewers here instead of listen.xvp; repeatable."""
        self.listen.setdefault("xvp", []).append(endpoint)

    def opt_api(self, endpoint: str) -> None:
        """Listen for the HTTP API here instead of listen.api; repeatable."""
        self.listen.setdefault("api", []).append(endpoint)

    def settings(self) -> Settings:
        """Read the configuration; listeners of the command line replace those of the file.

        Raises:
            ConfigurationError: with one line for each error.
        """
        path = self["config"]
        settings = load(Path(path)) if path else Settings()
        listeners = {name: tuple(endpoints) for name, endpoints in self.listen.items()}
        return settings.model_copy(update={"listen": _listen(settings, listeners)})

    def postOptions(self) -> None:
        """Check the configuration before the process goes to the background."""
        try:
            self.checked = self.settings()
            if self["config"]:  # twistd may go to another directory before it is read again
                self["config"] = str(Path(self["config"]).absolute())
        except ConfigurationError as e:
            raise SystemExit(_usage_error(e)) from e


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
    try:
        gateway = make_service(
            options.checked, reactor, read=options.settings, process_options=options.parent or {}
        )
    except ConfigurationError as e:
        raise SystemExit(_usage_error(e)) from e
    HangupHandler(reactor, gateway.reload)
    TerminationHandler(reactor, gateway.finish)
    return gateway
