"""The machines of a visitor, with their states."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from ..api.caller import Caller
from ..api.front import Front
from ..config.scope import Scope
from ..errors import VNCProxyError
from ..model import VMAddress, VMSummary

MOST: Final = 500
"""Machines that the page shows; the others are counted."""

_UNKNOWN: Final = ("", "not known")
_OFF: Final = ("shut off", "powered off", "terminated", "undeployed")


class MachinesOfUser:
    """Lists machines.

    A backend that cannot list, or fails, has those that policies name one by one.
    """

    def __init__(self, front: Front) -> None:
        self._front = front

    async def read(self, callers: Sequence[Caller]) -> dict[str, Any]:
        """Return the machines that one of some callers may see, as the page gets them."""
        rows: dict[VMAddress, dict[str, Any]] = {}
        failed: dict[str, str] = {}
        for caller in callers:
            caller.require_scope(Scope.READ, Scope.ISSUE)
            lists = await self._front.lists.read(caller)
            failed |= {n: e.sentence() for n, e in lists.items() if isinstance(e, VNCProxyError)}
            for machine in (*_listed(lists), *self._named(caller, lists)):
                rows.setdefault(machine.vm, self._row(caller, machine))
        shown = sorted(rows.values(), key=lambda row: (row["name"].lower(), row["vm"]))
        failures = [{"backend": name, "message": text} for name, text in failed.items()]
        return {"vms": shown[:MOST], "more": max(0, len(shown) - MOST), "errors": failures}

    def _named(self, caller: Caller, lists: Mapping[str, object]) -> Iterator[VMSummary]:
        """Yield the machines that patterns name, of backends that are not listed."""
        listed = {n for n, found in lists.items() if not isinstance(found, VNCProxyError)}
        for vm in _addresses(caller.vms.texts):
            known = vm.backend in self._front.backends and vm.backend not in listed
            if known and self._front.permissions.allow(caller, vm):
                yield VMSummary(vm, vm.vm, "")

    def _row(self, caller: Caller, machine: VMSummary) -> dict[str, Any]:
        return {
            "vm": str(machine.vm),
            "name": machine.name or machine.vm.vm,
            "state": "" if machine.state in _UNKNOWN else machine.state,
            "power": power(machine.state),
            "picture": self._front.pictures is not None and may_picture(caller),
            "opens": Scope.ISSUE in caller.scopes or Scope.ADMIN in caller.scopes,
        }


def power(state: str) -> str:
    """Return ``on``, ``off`` or ``other`` for a backend's state; empty where it is not known."""
    if state in _UNKNOWN:
        return ""
    if state == "running":
        return "on"
    return "off" if state.startswith(_OFF) else "other"


def may_picture(caller: Caller) -> bool:
    """Tell whether a caller may see pictures of its machines.

    None are shown of machines whose screen is shown only after consent, with approval or recorded.
    """
    bounds = caller.policy
    asks = bool(bounds.banner or bounds.approval or bounds.record)
    return not asks and not caller.scopes.isdisjoint({Scope.SCREENSHOT, Scope.ADMIN})


def _listed(lists: Mapping[str, Any]) -> Iterator[VMSummary]:
    for found in lists.values():
        if not isinstance(found, VNCProxyError):
            yield from found


def _addresses(texts: Iterable[str]) -> Iterator[VMAddress]:
    for text in texts:
        if "*" not in text:
            try:
                yield VMAddress.parse(text)
            except ValueError:
                continue
