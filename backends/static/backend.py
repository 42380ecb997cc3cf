"""Consoles that are written in the configuration, or in a file of their own."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, Sequence
from pathlib import Path

from zope.interface import implementer

from ...errors import BackendError, VMNotFound
from ...files import Version
from ...interfaces import (
    BackendContext,
    IConsoleBackend,
    IHasWarnings,
    IKnowsConsoles,
    IMachineIds,
    IMachineOwners,
    ISharesConsoles,
    IVMInventory,
)
from ...model import ConsoleEndpoint, Ownership, VMAddress, VMSummary
from .console import Console
from .machines import read_if_changed
from .settings import StaticSettings

_READ_TIME = 5.0


@implementer(
    IConsoleBackend,
    IHasWarnings,
    IKnowsConsoles,
    IMachineIds,
    IMachineOwners,
    ISharesConsoles,
    IVMInventory,
)
class StaticBackend:
    """Consoles from a table: the VM's id is the table's key.

    A version of the file that cannot be used is logged once; the last good one stays in use.
    """

    Settings = StaticSettings

    def __init__(self, context: BackendContext) -> None:
        settings: StaticSettings = context.settings
        self._name = context.name
        self._log = context.log
        self._inline = settings.consoles
        self._file = settings.file
        self._calls = context.calls
        self._version: Version | None = None
        self._from_file: dict[str, Console] | None = None
        self._problem = ""

    async def locate(self, vm: str) -> ConsoleEndpoint:
        """Return the console that the table names; see ``IConsoleBackend``."""
        console = (await self._consoles()).get(vm)
        if console is None:
            raise VMNotFound(f"no console {vm!r} in {self._name}")
        return console.endpoint()

    async def most_viewers(self, vm: str) -> int | None:
        """Return what the table says; see ``ISharesConsoles``."""
        console = (await self._consoles()).get(vm)
        return 1 if console is not None and console.one_viewer else None

    def fixed_part(self, vm: str) -> str:
        """Return the key of a table: only the configuration has it."""
        return vm

    async def list(self) -> Sequence[VMSummary]:
        """Return all consoles; the state of their machines is not known."""
        return [
            VMSummary(VMAddress(self._name, key), console.name or key, "not known")
            for key, console in sorted((await self._consoles()).items())
        ]

    async def owners(self, vms: Sequence[str]) -> Mapping[str, Ownership]:
        """Return what the table says of owners; see ``IMachineOwners``."""
        known = await self._consoles()
        return {vm: Ownership(known[vm].project, known[vm].tags) for vm in vms if vm in known}

    async def probe(self) -> str:
        """Read the file, and return the number of consoles."""
        consoles = await self._consoles()
        count = len(consoles)
        line = f"{count} console{'' if count == 1 else 's'}"
        if self._file:
            line += f", with those of {self._file}"
        if self._problem:
            line += f" as they were before this: {self._problem}"
        return line

    def warnings(self) -> Sequence[str]:
        """Return what may be unsafe or without effect in table and file."""
        consoles = ChainMap(self._inline, self._from_file or {})
        return [
            f"{key}: {text}"
            for key, console in sorted(consoles.items())
            for text in console.warnings()
        ]

    async def consoles(self) -> Mapping[str, ConsoleEndpoint]:
        """Return all consoles, to be tried; see ``IKnowsConsoles``."""
        return {key: console.endpoint() for key, console in (await self._consoles()).items()}

    async def close(self) -> None:
        """Do nothing: no connection is kept."""

    async def _consoles(self) -> Mapping[str, Console]:
        if self._file is None:
            return self._inline
        return ChainMap(self._inline, await self._read(self._file))

    async def _read(self, path: Path) -> dict[str, Console]:
        try:
            # a broken file is read every time: its error may be that of another file it names
            known = None if self._problem else self._version
            reading = await self._calls.call(_READ_TIME, read_if_changed, path, known)
        except BackendError as e:
            return self._last_good(e)
        self._problem = ""
        if reading is not None:
            self._version, self._from_file = reading.version, reading.consoles
        return self._from_file or {}

    def _last_good(self, error: BackendError) -> dict[str, Console]:
        problem, self._problem = self._problem, error.detail
        if self._from_file is None:
            raise error
        if problem != error.detail:
            self._log.error(
                "{backend}: {problem}; the last good version stays in use",
                backend=self._name,
                problem=error.detail,
            )
        return self._from_file
