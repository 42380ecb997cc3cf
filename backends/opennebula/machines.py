"""An OpenNebula machine as far as its console is concerned, read from what ``pyone`` returns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

_LONGEST: Final = 256
"""Characters that are read of a value that the owner can write; addresses and ids are shorter."""

_HYBRID = re.compile(r"opennebula-hybrid-([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Graphics:
    """``TEMPLATE/GRAPHICS``.

    Attributes:
        type: in lower case, such as ``vnc``; empty where a default of the driver decides it, which
            the document does not show.
        listen: an address of the host, as the machine's template has it; empty when it has none.
        port: as OpenNebula wrote it; empty until the machine is deployed.
        password: empty for none, or for a default of the driver. OpenNebula keeps 8 characters,
            as many as VNC authentication uses.
    """

    type: str
    listen: str
    port: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Placement:
    """The last history record: where the machine is, or was when it ran.

    Attributes:
        host: the host's name in OpenNebula.
        host_id: its number.
        driver: the virtualization driver, such as ``kvm``, ``vcenter`` or ``one``.
    """

    host: str
    host_id: int
    driver: str


@dataclass(frozen=True, slots=True)
class Machine:
    """One virtual machine.

    Where it runs is read from its last history record alone, which the system writes: its owner
    can write anything into its templates, and the DEPLOY_ID of a machine that was imported.

    Attributes:
        deploy_id: its id for the driver.
        placement: None when it never was on a host.
        graphics: all of them, in order.
        partner_id: for the remote half of a machine on a hybrid host, the id of the local half;
            empty otherwise. The remote account can change it.
        is_imported: whether it ran on its host before OpenNebula knew it.
    """

    id: int
    name: str
    state: int
    lcm_state: int
    deploy_id: str
    placement: Placement | None
    graphics: tuple[Graphics, ...]
    partner_id: str
    is_imported: bool = False

    @property
    def is_hybrid(self) -> bool:
        """Whether its host is another OpenNebula."""
        return self.placement is not None and self.placement.driver == "one"

    @property
    def is_on_vcenter(self) -> bool:
        """Whether a vCenter runs it."""
        return self.placement is not None and self.placement.driver == "vcenter"

    @property
    def remote_id(self) -> int | None:
        """Its id in the OpenNebula that is its host; None when there is none."""
        found = _HYBRID.fullmatch(self.deploy_id)
        return int(found[1]) if found else None


def read_machine(vm: Any) -> Machine:
    """Read the answer to ``one.vm.info``.

    Raises:
        ValueError: it has no id or state.
    """
    if getattr(vm, "ID", None) is None or vm.STATE is None:
        raise ValueError("it has no ID or no STATE")
    template, user_template = _table(vm.TEMPLATE), _table(vm.USER_TEMPLATE)
    return Machine(
        id=vm.ID,
        name=vm.NAME or "",
        state=vm.STATE,
        lcm_state=vm.LCM_STATE or 0,
        deploy_id=(vm.DEPLOY_ID or "")[:_LONGEST],
        placement=_placement(vm),
        graphics=tuple(_graphics(template.get("GRAPHICS"))),
        partner_id=_text(user_template, "REMOTE_OPENNEBULA_VM_ID"),
        is_imported=_text(template, "IMPORTED").lower() == "yes",
    )


def _placement(vm: Any) -> Placement | None:
    records = vm.HISTORY_RECORDS.HISTORY if vm.HISTORY_RECORDS is not None else []
    if not records:
        return None
    last = max(records, key=lambda record: record.SEQ or 0)
    host_id = -1 if last.HID is None else last.HID
    return Placement(last.HOSTNAME or "", host_id, (last.VM_MAD or "").lower())


def _graphics(found: Any) -> Iterator[Graphics]:
    for each in found if isinstance(found, list) else [found]:
        table = _table(each)
        if table:
            yield Graphics(
                type=_text(table, "TYPE").lower(),
                listen=_text(table, "LISTEN"),
                port=_text(table, "PORT"),
                password=str(table.get("PASSWD") or ""),
            )


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(table: dict[str, Any], name: str) -> str:
    return str(table.get(name) or "").strip()[:_LONGEST]
