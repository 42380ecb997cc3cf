"""Look-up and inventory of a pool's machines.

Everything here blocks; it is called in a thread, through `Pool`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from XenAPI import Failure

from ...errors import ConsoleUnavailable, NoGraphicalConsole, VMNotFound
from ...model import MachineHost, VMAddress, VMSummary
from ..uuids import WITH_DASHES, uuid_of
from .login import Login
from .states import RUNNING, state_text

GRAPHICAL: Final = "rfb"
_GONE: Final = ("HANDLE_INVALID", "UUID_INVALID")

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """A running machine's console, as XAPI has it.

    Attributes:
        name: the machine's name label.
        vm: the machine's reference.
        session: the reference of the session that its host will ask for.
        location: the console's URL, whose host may be empty.
        host: the address of the host on which the machine runs.
    """

    name: str
    vm: str
    session: str = field(repr=False)
    location: str
    host: str


def find_console(login: Login, vm: str) -> Found:
    """Find a machine's console.

    Args:
        vm: UUID or name label.

    Raises:
        VMNotFound, ConsoleUnavailable: see ``IConsoleBackend``.
    """
    try:
        ref, record = find(login, vm)
        state = state_text(record["power_state"])
        if state != RUNNING:
            raise ConsoleUnavailable(state)
        console = _graphical(login, record)
        host = login.xenapi.host.get_address(record["resident_on"])
    except Failure as e:
        # the object was removed since: the machine was stopped or migrated
        if e.details[0] in _GONE:
            raise ConsoleUnavailable(
                "being stopped, started or moved", f"{vm!r}: a record is gone"
            ) from e
        raise
    return Found(record["name_label"], ref, login.ref, console["location"], host)


def host_of(login: Login, vm: str) -> MachineHost:
    """Return the host on which a machine runs; one that is halted has none.

    Raises:
        VMNotFound: there is none.
    """
    _, record = find(login, vm)
    runs = state_text(record["power_state"]) == RUNNING
    try:
        found = login.xenapi.host.get_record(record["resident_on"])
        names: tuple[str, ...] = (found["name_label"], found["hostname"], found["address"])
    except Failure as e:
        if e.details[0] not in _GONE:
            raise
        names, runs = (), False
    return MachineHost(tuple(dict.fromkeys(names)), runs, record["uuid"])


def own_hosts(login: Login) -> list[str]:
    """Return the names of all hosts of the pool."""
    hosts: dict[str, Record] = login.xenapi.host.get_all_records()
    names = ((each["name_label"], each["hostname"]) for each in hosts.values())
    return sorted({name for both in names for name in both})


def inventory(login: Login, backend: str) -> list[VMSummary]:
    """Return all machines, sorted by name."""
    found = [
        VMSummary(
            VMAddress(backend, each["uuid"]), each["name_label"], state_text(each["power_state"])
        )
        for each in machines(login)
    ]
    return sorted(found, key=lambda each: each.name)


def machines(login: Login) -> Iterator[Record]:
    """Return the records of all machines except templates, snapshots and hosts' own domains."""
    records: dict[str, Record] = login.xenapi.VM.get_all_records()
    return filter(_is_machine, records.values())


def find(login: Login, vm: str) -> tuple[str, Record]:
    """Return the reference and the record of a machine.

    Raises:
        VMNotFound: there is none.
        ConsoleUnavailable: several have the name.
    """
    found = {}
    for ref in _candidates(login, vm):
        try:
            record = login.xenapi.VM.get_record(ref)
        except Failure as e:
            if e.details[0] not in _GONE:
                raise
            continue
        if _is_machine(record):
            found[ref] = record
    if len(found) > 1:
        uuids = ", ".join(sorted(record["uuid"] for record in found.values()))
        raise ConsoleUnavailable(
            f"one of {len(found)} with the same name",
            f"{vm!r} is the name of {uuids}",
            public=f"{len(found)} virtual machines have this name. "
            "Ask for a link that names yours by its UUID.",
        )
    if not found:
        raise VMNotFound(f"no machine with UUID or name {vm!r}")
    return found.popitem()


def _candidates(login: Login, vm: str) -> list[str]:
    """Return the machines with a UUID or name; what looks like a UUID is never taken for a name.

    Otherwise a machine that has the UUID of a deleted one as its name would be shown instead.
    """
    if uuid := uuid_of(vm, (WITH_DASHES,)):
        return _by_uuid(login, uuid)
    return list(login.xenapi.VM.get_by_name_label(vm))


def _by_uuid(login: Login, uuid: str) -> list[str]:
    try:
        return [login.xenapi.VM.get_by_uuid(uuid)]
    except Failure as e:
        if e.details[0] not in _GONE:
            raise
        return []


def _is_machine(record: Record) -> bool:
    """Return whether it is neither a template, nor a snapshot, nor a host's own domain."""
    return not (record["is_a_template"] or record["is_a_snapshot"] or record["is_control_domain"])


def _graphical(login: Login, record: Record) -> Record:
    consoles = [login.xenapi.console.get_record(ref) for ref in record["consoles"]]
    for console in consoles:
        if console["protocol"] == GRAPHICAL:
            return dict(console)
    protocols = ", ".join(console["protocol"] for console in consoles)
    raise NoGraphicalConsole(f"machine {record['uuid']} has {protocols or 'no consoles'} only")
