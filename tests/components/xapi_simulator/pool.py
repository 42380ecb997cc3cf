"""Hosts, machines, consoles and sessions of a pool, and the methods that read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

NULL = "OpaqueRef:NULL"

Record = dict[str, Any]

_FITTING = {
    "start": ["Halted"],
    "clean_shutdown": ["Running"],
    "clean_reboot": ["Running"],
    "hard_shutdown": ["Paused", "Suspended", "Running"],
    "hard_reboot": ["Paused", "Running"],
}
"""Operations -> the states that allow them, in the order of ``Xapi_vm_lifecycle``."""


class Refusal(Exception):
    """XAPI's way to fail: a code in capitals, and its arguments."""

    def __init__(self, *description: str) -> None:
        super().__init__(*description)
        self.description = list(description)


def new_ref() -> str:
    return f"OpaqueRef:{uuid4()}"


def new_uuid() -> str:
    return str(uuid4())


@dataclass
class Host:
    """A member of the pool.

    Attributes:
        down: accepts connections and closes them.
        xapi_down: finishes TLS, which another program ends for XAPI, and closes then.
        emergency: what it answers to everything, logins included, since it has lost its master.
    """

    name: str
    address: str
    ref: str = field(default_factory=new_ref)
    uuid: str = field(default_factory=new_uuid)
    enabled: bool = True
    down: bool = False
    xapi_down: bool = False
    emergency: str = ""

    def record(self) -> Record:
        return {
            "uuid": self.uuid,
            "name_label": self.name,
            "hostname": f"{self.name}.example.com",
            "address": self.address,
            "enabled": self.enabled,
            "software_version": {"product_brand": "XCP-ng", "product_version": "8.3.0"},
            "API_version_major": "2",
            "API_version_minor": "21",
        }


@dataclass
class Console:
    """One console record of a machine."""

    protocol: str = "rfb"
    ref: str = field(default_factory=new_ref)
    uuid: str = field(default_factory=new_uuid)


@dataclass
class Machine:
    """A VM.

    Attributes:
        vnc: TCP port on loopback of its VNC server; None when xenopsd has none.
        kind: of records that are no machines, the field which says so, such as ``is_a_template``.
        location: of its consoles instead of the usual one; ``{uuid}`` and ``{ref}`` are the
            console's.
        viewers: connections to its consoles.
        has_tools: whether its guest can be asked for something.
        task: the last one that took its time.
    """

    name: str
    host: Host
    vnc: int | None = None
    power_state: str = "Running"
    kind: str = ""
    location: str = ""
    consoles: list[Console] = field(default_factory=lambda: [Console()])
    ref: str = field(default_factory=new_ref)
    uuid: str = field(default_factory=new_uuid)
    viewers: int = 0
    has_tools: bool = True
    task: str = ""

    def record(self) -> Record:
        kinds = ("is_a_template", "is_a_snapshot", "is_control_domain")
        return {
            "uuid": self.uuid,
            "name_label": self.name,
            "power_state": self.power_state,
            "resident_on": self.host.ref if self.power_state in ("Running", "Paused") else NULL,
            "consoles": [console.ref for console in self.consoles],
            **{kind: kind == self.kind for kind in kinds},
        }


class Pool:
    """A pool whose first host is the master.

    Attributes:
        accounts: user name -> password.
        viewers_only: accounts whose role allows no consoles.
        one_viewer: the pool's setting ``limit_console_sessions``.
        idle_limit: the pool's setting ``vm_console_idle_timeout`` in seconds; 0 for none.
        port: where all hosts listen for TLS.
        asked: host's name and method, or the target of a CONNECT, of all requests.
        old: whether the hosts are old ones, whose login takes user and password only.
        acts: what was asked of which machine, as ``hard_reboot`` and its reference.
        slow: what its guests take their time for.
        answered: called with a method's name once its answer is made, to change the pool then.
    """

    def __init__(self, hosts: Sequence[Host]) -> None:
        self.hosts = list(hosts)
        self.machines: list[Machine] = []
        self.accounts = {"console": "s3cret-xapi-password"}
        self.viewers_only: set[str] = set()
        self.sessions: dict[str, str] = {}
        self.one_viewer = False
        self.idle_limit = 0.0
        self.old = False
        self.port = 443
        self.asked: list[tuple[str, str]] = []
        self.answered: Callable[[str], None] = lambda _method: None
        self.master = self.hosts[0]
        self._ref = new_ref()
        self.tasks: dict[str, Record] = {}
        self.acts: list[tuple[str, str]] = []
        self.slow: set[str] = set()

    def add(self, name: str, vnc: int | None = None, **more: Any) -> Machine:
        """Make a machine, on the master unless told otherwise."""
        machine = Machine(name, more.pop("host", self.master), vnc, **more)
        self.machines.append(machine)
        return machine

    def migrate(self, machine: Machine, host: Host) -> None:
        """Move a running machine, whose consoles are new ones then."""
        machine.host = host
        machine.consoles = [Console(each.protocol) for each in machine.consoles]

    def expire(self) -> None:
        """Let all sessions be unknown."""
        self.sessions.clear()

    def count(self, method: str) -> int:
        """Return how often a method was asked for."""
        return sum(name == method for _, name in self.asked)

    def call(self, host: Host, method: str, params: Sequence[Any]) -> Any:
        """Answer a method.

        Raises:
            Refusal: with XAPI's code.
        """
        self.asked.append((host.name, method))
        if method == "system.listMethods":
            return [f"{kind}.{what}" for kind in self._tables() for what in _QUESTIONS]
        if host.emergency:
            raise Refusal(host.emergency)
        if host is not self.master:
            raise Refusal("HOST_IS_SLAVE", self.master.address)
        if method == "session.login_with_password":
            answer: Any = self._log_in(*params)
        else:
            if not params or params[0] not in self.sessions:
                raise Refusal("SESSION_INVALID", str(params[0] if params else ""))
            answer = self._answer(method, params)
        self.answered(method)
        return answer

    def console(self, query: Mapping[str, str]) -> Machine | None:
        """Return the machine that ``uuid`` or ``ref`` of itself or of a console names."""
        for machine in self.machines:
            each: list[Machine | Console] = [machine, *machine.consoles]
            if query.get("uuid") in [one.uuid for one in each]:
                return machine
            if query.get("ref") in [one.ref for one in each]:
                return machine
        return None

    def _log_in(self, user: str, password: str, *more: str) -> str:
        if self.old and more:
            raise Refusal("MESSAGE_PARAMETER_COUNT_MISMATCH", "session.login_with_password")
        if self.accounts.get(user) != password:
            raise Refusal("SESSION_AUTHENTICATION_FAILED", user, "Authentication failure")
        session = new_ref()
        self.sessions[session] = user
        return session

    def _answer(self, method: str, params: Sequence[Any]) -> Any:
        session, *arguments = params
        if method == "session.logout":
            return self.sessions.pop(session) and ""
        if method.startswith("Async.VM."):
            return self._begin(session, method.removeprefix("Async.VM."), *arguments)
        if method == "task.destroy":
            return self.tasks.pop(arguments[0]) and ""
        kind, _, question = method.partition(".")
        table = self._tables().get(kind)
        if table is None:
            raise Refusal("MESSAGE_METHOD_UNKNOWN", method)
        return _ask(kind, table, question, arguments)

    def _begin(self, session: str, what: str, ref: str, *more: bool) -> str:
        """Begin a task, as XAPI does: all that speaks against it is told by the task."""
        task = new_ref()
        self.tasks[task] = {"uuid": new_uuid(), "status": "success", "error_info": []}
        try:
            if self.sessions[session] in self.viewers_only:
                message = "No permission in user session"
                raise Refusal("RBAC_PERMISSION_DENIED", f"vm.{what}", message)
            self.acts.append((what, ref))
            self._act(what, ref, task)
        except Refusal as e:
            self.tasks[task] |= {"status": "failure", "error_info": e.description}
        return task

    def _act(self, what: str, ref: str, task: str) -> None:
        """Check and act in the order of ``Xapi_vm_lifecycle.check_operation_error``."""
        machine = next((each for each in self.machines if each.ref == ref), None)
        if machine is None:
            raise Refusal("HANDLE_INVALID", "VM", ref)
        if machine.power_state not in (fit := _FITTING[what]):
            wanted = ", ".join(each.lower() for each in fit)
            raise Refusal("VM_BAD_POWER_STATE", ref, wanted, machine.power_state.lower())
        under_way = self.tasks.get(machine.task, {}).get("status") == "pending"
        if under_way and not what.startswith("hard_"):
            raise Refusal("OTHER_OPERATION_IN_PROGRESS", "VM", ref, "clean_shutdown", machine.task)
        if machine.kind == "is_a_template":
            raise Refusal("VM_IS_TEMPLATE", ref, what)
        if machine.kind == "is_a_snapshot" and what != "hard_shutdown":
            raise Refusal("VM_IS_SNAPSHOT", ref, what)
        if machine.kind == "is_control_domain" and what != "start":
            not_there = "This operation is not allowed on a control domain"
            raise Refusal("OPERATION_NOT_ALLOWED", not_there)
        if what.startswith("clean_") and not machine.has_tools:
            raise Refusal("VM_LACKS_FEATURE", ref)
        if under_way:
            cancelled = {"status": "cancelled", "error_info": ["TASK_CANCELLED", machine.task]}
            self.tasks[machine.task] |= cancelled
        if what in self.slow:
            machine.task = task
            self.tasks[task]["status"] = "pending"
            if what.startswith("clean_"):
                return
        machine.power_state = "Halted" if what.endswith("shutdown") else "Running"

    def _tables(self) -> dict[str, dict[str, Record]]:
        pool = {"uuid": new_uuid(), "name_label": "lab", "master": self.master.ref}
        return {
            "pool": {self._ref: pool},
            "host": {host.ref: host.record() for host in self.hosts},
            "VM": {machine.ref: machine.record() for machine in self.machines},
            "task": self.tasks,
            "console": {
                console.ref: self._console(machine, console)
                for machine in self.machines
                for console in machine.consoles
            },
        }

    def _console(self, machine: Machine, console: Console) -> Record:
        usual = f"https://{machine.host.address}:{self.port}/console?uuid={{uuid}}"
        return {
            "uuid": console.uuid,
            "protocol": console.protocol,
            "location": (machine.location or usual).format(
                uuid=console.uuid, ref=console.ref, port=self.port
            ),
            "VM": machine.ref,
        }


_QUESTIONS = ("get_all", "get_all_records", "get_record", "get_by_uuid", "get_by_name_label")


def _ask(kind: str, table: dict[str, Record], question: str, arguments: Sequence[str]) -> Any:
    """Answer one of the questions that all of XAPI's classes have."""
    match question, *arguments:
        case ["get_all"]:
            return list(table)
        case ["get_all_records"]:
            return table
        case ["get_by_uuid", uuid]:
            for ref, record in table.items():
                if record["uuid"] == uuid:
                    return ref
            raise Refusal("UUID_INVALID", kind, uuid)
        case ["get_by_name_label", name]:
            return [ref for ref, record in table.items() if record["name_label"] == name]
        case [_, ref] if ref not in table:
            raise Refusal("HANDLE_INVALID", kind, ref)
        case ["get_record", ref]:
            return table[ref]
        case [_, ref] if question.removeprefix("get_") in table[ref]:
            return table[ref][question.removeprefix("get_")]
    raise Refusal("MESSAGE_METHOD_UNKNOWN", f"{kind}.{question}")
