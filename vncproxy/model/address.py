"""Virtual machines: their addresses, and what a list shows of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ..text import CONTROL

_BACKEND = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_VM = re.compile(f"[^{CONTROL}]{{1,255}}")

VM_PATTERN: Final = f"{_BACKEND.pattern}/{_VM.pattern}"
"""A regular expression for the whole of an address."""


@dataclass(frozen=True, slots=True, order=True)
class VMAddress:
    """A virtual machine: the name of a configured backend, and the VM's id in that backend."""

    backend: str
    vm: str

    def __str__(self) -> str:
        return f"{self.backend}/{self.vm}"

    @classmethod
    def parse(cls, text: str) -> VMAddress:
        """Read ``<backend>/<id>``; the id may contain further slashes.

        Raises:
            ValueError: a part is missing, too long or contains control characters.
        """
        backend, slash, vm = text.partition("/")
        if not slash or not _BACKEND.fullmatch(backend) or not _VM.fullmatch(vm):
            raise ValueError("a VM is written <backend>/<id>, for example kvm/web-01")
        return cls(backend, vm)


@dataclass(frozen=True, slots=True)
class Ownership:
    """Whose a machine is, as far as tenants cannot write it.

    Attributes:
        project: id of the Keystone project; empty where it is not known.
        tags: what operators have marked the machine with.
    """

    project: str = ""
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class VMSummary:
    """One virtual machine in a list: its address, its display name and its state as text."""

    vm: VMAddress
    name: str
    state: str
