"""A whole proxy for one console, set up without a configuration file."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import quoteStringArgument
from twisted.logger import Logger

from ..backends import new_context
from ..backends.libvirt.backend import LibvirtBackend
from ..backends.libvirt.settings import LibvirtSettings
from ..backends.static.backend import StaticBackend
from ..backends.static.settings import StaticSettings
from ..blocking import BoundedCalls
from ..config.settings import Listen, Public, Settings
from ..errors import UpstreamRefused, VNCProxyError
from ..interfaces import IConsoleBackend
from ..model import ConsoleEndpoint, ConsoleType, Policy, Timeouts, Token, VMAddress, VMSummary
from ..tap import Components, make_service
from ..tokens.memory import MemoryTokenStore
from ..upstream import try_login
from .announcement import ListenAddress, console_lines, vm_lines
from .failures import FailurePrinter
from .server import DemoServer

CONSOLE = VMAddress("demo", "testcard")
TOKEN_TIME = 365 * 86400.0
"""Lifetime of a link in seconds, longer than any demonstration runs."""

LIBVIRT_TIME = 30.0
"""Seconds that a local libvirt may take to answer; only its own links wait for it."""


def console_settings(address: str, password: str = "") -> StaticSettings:
    """Return the settings of a `static` backend with one console.

    Raises:
        pydantic.ValidationError: the address is invalid.
    """
    console = {"address": address, "password": password}
    return StaticSettings.model_validate({"consoles": {CONSOLE.vm: console}})


class Demonstration:
    """A proxy in one process, with tokens that can be used any number of times.

    Args:
        address: where to listen.
        console: settings with the address of `CONSOLE`.
        print_line: called with each line of output.
        print_error: called with each line about a failure.
    """

    log = Logger()

    def __init__(
        self,
        address: ListenAddress,
        console: StaticSettings,
        print_line: Callable[[str], object],
        print_error: Callable[[str], object],
        reactor: Any,
    ) -> None:
        self._address = address
        self._print_line = print_line
        self._print_error = print_error
        self._reactor = reactor
        self._calls = BoundedCalls(reactor, reactor)
        static = self._made(StaticBackend, CONSOLE.backend, console)
        self._backends: dict[str, IConsoleBackend] = {CONSOLE.backend: static}
        settings = _settings(address)
        self._store = MemoryTokenStore(time.time, settings.tokens.resume, reactor.seconds)
        components = Components(self._store, self._backends, self._calls)
        failures = FailurePrinter(print_error)
        self._gateway = make_service(settings, reactor, components, observers=[failures])

    def _made(self, kind: Any, name: str, settings: BaseModel) -> Any:
        calls = self._calls.part(name)
        return kind(new_context(kind, name, settings, calls, self._reactor))

    def listen(self) -> None:
        """Listen.

        Raises:
            SystemExit: the port cannot be used; the cause is a ``CannotListenError``.
        """
        try:
            self._gateway.privilegedStartService()
        except SystemExit:
            self._calls.close()
            raise
        self._gateway.startService()

    def show_testcard(self, path: Path) -> None:
        """Serve the test card on a unix socket."""
        self._reactor.listenUNIX(str(path), DemoServer(self._reactor), mode=0o600)

    def announce(self) -> Deferred[None]:
        """Print the links; the Deferred fires when all are printed, and never fails."""
        done = Deferred.fromCoroutine(self._announce())
        return done.addErrback(lambda f: self.log.failure("the demonstration failed", f))

    def stop(self) -> Deferred[None]:
        """Stop listening and end all sessions."""
        return self._gateway.stopService()

    async def _announce(self) -> None:
        for line in console_lines(self._address, await self._issue(CONSOLE)):
            self._print_line(line)
        await self._try_console()
        machines = await self._running_machines()
        links = [(machine.name, await self._issue(machine.vm)) for machine in machines]
        for line in vm_lines(self._address, links):
            self._print_line(line)

    async def _try_console(self) -> None:
        """Log in at the console, and print why it cannot be shown."""
        endpoint = await self._backends[CONSOLE.backend].locate(CONSOLE.vm)
        assert isinstance(endpoint, ConsoleEndpoint)
        try:
            await try_login(endpoint, Timeouts(), self._reactor)
        except UpstreamRefused as e:
            self._print_error(
                f"the console cannot be shown now: {e}; is the password right, and "
                "behind a comma? --target HOST:PORT,PASSWORD"
            )
        except VNCProxyError as e:
            self._print_error(f"the console cannot be shown now: {e}")

    async def _issue(self, vm: VMAddress) -> str:
        now = time.time()
        policy = Policy(uses=0)
        token = Token(vm, "demo", ConsoleType.NOVNC, policy, now, now + TOKEN_TIME)
        return await self._store.issue(token)

    async def _running_machines(self) -> Sequence[VMSummary]:
        """Return the running machines of a local libvirt, if there is one.

        As with libvirt's own tools, LIBVIRT_DEFAULT_URI names it.
        """
        try:
            uri = os.environ.get("LIBVIRT_DEFAULT_URI", "qemu:///system")
            settings = LibvirtSettings(uri=uri, timeout=LIBVIRT_TIME)
            libvirt = self._made(LibvirtBackend, "libvirt", settings)
            asked = Deferred.fromCoroutine(libvirt.list())
            machines = await asked.addTimeout(LIBVIRT_TIME, self._reactor)
        except (VNCProxyError, ValidationError, TimeoutError) as e:
            self.log.info("no machines of a local libvirt: {error}", error=e)
            return []
        self._backends["libvirt"] = libvirt
        return [machine for machine in machines if machine.state == "running"]


def _settings(address: ListenAddress) -> Settings:
    """Return the settings of a proxy with one port for browsers and viewers, without the API."""
    endpoint = f"tcp:{address.port}"
    if address.host:
        endpoint += f":interface={quoteStringArgument(address.host)}"
    return Settings(
        public=Public(base_url=address.base_url, xvp_url=address.viewer_url),
        listen=Listen(web=(endpoint,), xvp=(), api=()),
    )
