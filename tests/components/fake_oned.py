"""A stand-in for OpenNebula's daemon: the part of its XML-RPC that consoles are located with.

``FakeOned`` is the daemon without a network: bytes of a request in, bytes of the answer out.
``OnedServer`` puts it behind HTTP. Several of them make a hybrid cloud.
"""

from __future__ import annotations

import ssl
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from xml.sax.saxutils import escape
from xmlrpc.client import Fault, dumps, loads

AUTHENTICATION, AUTHORIZATION, NO_EXISTS, ACTION = 0x0100, 0x0200, 0x0400, 0x0800
RPC_API, INTERNAL = 0x1000, 0x2000
ACTIVE, DONE = 3, 6

_RESUMED = {4: (1, 0), 5: (3, 19), 8: (3, 20), 9: (1, 0)}
"""States of a machine that is off -> those after ``resume``: PENDING, or being booted."""

RUNNING, UNKNOWN, SHUTDOWN_POWEROFF = 3, 16, 18

_OF_ACTIVE = {
    "poweroff": ({RUNNING, UNKNOWN}, SHUTDOWN_POWEROFF),
    "poweroff-hard": ({RUNNING, UNKNOWN, SHUTDOWN_POWEROFF}, SHUTDOWN_POWEROFF),
    "reboot": ({RUNNING}, RUNNING),
    "reboot-hard": ({RUNNING}, RUNNING),
    "resume": ({UNKNOWN}, 20),
}
"""Actions on an active machine -> LCM states that allow them, and its LCM state then."""

Tree = Mapping[str, Any]
"""XML as a table: name -> text, a table, or a list of tables."""


@dataclass(frozen=True)
class Refusal(Exception):
    """An answer with an error's code."""

    code: int
    message: str


@dataclass
class User:
    """An account; ``admin`` puts it into the group oneadmin."""

    id: int
    password: str
    admin: bool = False


@dataclass
class VM:
    """A machine; the defaults are one that runs on the host ``hv1`` with a VNC console.

    Attributes:
        deploy_id: since 5.12, the libvirt UUID for KVM; ``vm-N`` for a vCenter, with ``_`` and the
            vCenter's instance UUID behind it since 6.2.
        user_template: its owner's, who can write anything into it.
        history: sequence number, host, number of the host, driver.
        visible: whether accounts outside oneadmin may see it.
        imported: whether it ran before it was imported; up to 5.10 its owner chose DEPLOY_ID.
    """

    id: int
    name: str = "web"
    state: int = 3
    lcm_state: int = 3
    deploy_id: str = "8f2d4d3e-5d0b-4c66-9a55-1d7c1f0a9b11"
    graphics: Tree | Sequence[Tree] | None = field(
        default_factory=lambda: {"TYPE": "VNC", "LISTEN": "0.0.0.0", "PORT": 5907}
    )
    history: Sequence[tuple[int, str, int, str]] = ((0, "hv1", 1, "kvm"),)
    user_template: Tree = field(default_factory=dict)
    monitoring: Tree = field(default_factory=dict)
    visible: bool = True
    imported: bool = False

    def xml(self, *, whole: bool) -> str:
        """Return its document; the one in a list has no history and no user template."""
        tree: dict[str, Any] = {
            "ID": self.id,
            "NAME": self.name,
            "STATE": self.state,
            "LCM_STATE": self.lcm_state,
        }
        if whole:
            records = [
                {"OID": self.id, "SEQ": seq, "HOSTNAME": host, "HID": number, "VM_MAD": driver}
                for seq, host, number, driver in self.history
            ]
            template: dict[str, Any] = {"IMPORTED": "YES"} if self.imported else {}
            if self.graphics is not None:
                template["GRAPHICS"] = self.graphics
            tree |= {
                "DEPLOY_ID": self.deploy_id,
                "MONITORING": self.monitoring,
                "TEMPLATE": template,
                "USER_TEMPLATE": self.user_template,
                "HISTORY_RECORDS": {"HISTORY": records},
            }
        return element("VM", tree)


@dataclass
class Host:
    """A host; the attributes in ``encrypted`` are in clear text for administrators only.

    Attributes:
        usable: whether accounts outside oneadmin may read it, which takes a rule (``HOST/* USE``).
    """

    id: int
    name: str
    template: dict[str, str]
    encrypted: tuple[str, ...] = ("ONE_PASSWORD",)
    usable: bool = False


@dataclass
class Zone:
    """One zone of the zone pool.

    Attributes:
        template: what was written about it; ``ENDPOINT`` is ``-`` where an update has emptied it.
        servers: the endpoints of its further servers.
        state: 0 enabled, 1 disabled.
    """

    id: int
    name: str
    template: dict[str, str]
    servers: Sequence[str] = ()
    state: int = 0

    def tree(self) -> Tree:
        """Return its document."""
        servers = [
            {"ENDPOINT": endpoint, "ID": number, "NAME": f"{self.name}-{number}"}
            for number, endpoint in enumerate(self.servers)
        ]
        return {
            "ID": self.id,
            "NAME": self.name,
            "STATE": self.state,
            "TEMPLATE": self.template,
            "SERVER_POOL": {"SERVER": servers},
        }


class FakeOned:
    """One daemon, with the account ``oneadmin:opennebula``.

    Of several that are one cloud, each answers from what it has, as followers do, however old.

    Attributes:
        version: given to every account that may log in.
        zones: the zone pool, the same at all daemons of a federation; at first the zone that a
            daemon makes by itself.
        knows_decrypt: False ignores the parameter, as servers before 5.10 do, which keep nothing
            encrypted.
        failure: given instead of any answer.
        acts: the actions that were taken on, each with its machine.
        calls: the methods that were called, in order.
    """

    def __init__(self, version: str = "6.10.0") -> None:
        self.version = version
        self.users = {"oneadmin": User(0, "opennebula", admin=True)}
        self.vms: dict[int, VM] = {}
        self.hosts: dict[int, Host] = {}
        self.zones = [Zone(0, "OpenNebula", {"ENDPOINT": "http://localhost:2633/RPC2"})]
        self.knows_decrypt = True
        self.failure: Refusal | Fault | None = None
        self.calls: list[str] = []
        self.acts: list[tuple[str, int]] = []
        self._methods: dict[str, Callable[..., str | int]] = {
            "one.system.version": lambda _user: self.version,
            "one.user.info": self._user_info,
            "one.vm.info": self._vm_info,
            "one.vm.action": self._vm_action,
            "one.vmpool.info": self._vmpool_info,
            "one.host.info": self._host_info,
            "one.hostpool.info": self._hostpool_info,
            "one.zonepool.info": self._zonepool_info,
        }

    def add(self, vm: VM) -> VM:
        """Let a machine exist."""
        self.vms[vm.id] = vm
        return vm

    def answer(self, body: bytes) -> bytes:
        """Answer a request."""
        params, method = loads(body)
        self.calls.append(str(method))
        try:
            result: Any = [True, self._call(str(method), *params), 0, 0, -1, 0]
        except Refusal as e:
            result = [False, f"[{method}] {e.message}", e.code, -1, -1]
        except Fault as e:
            return dumps(e, methodresponse=True).encode()
        return dumps((result,), methodresponse=True).encode()

    def _call(self, method: str, session: Any, *params: Any) -> str | int:
        if self.failure is not None:
            raise self.failure
        function = self._methods.get(method)
        if function is None:
            raise Fault(-506, f"Method '{method}' not defined")
        return function(self._login(session), *params)

    def _login(self, session: Any) -> User:
        # a password may hold colons, a user's name may not
        name, _, password = str(session).partition(":")
        user = self.users.get(name)
        if user is None or user.password != password:
            raise Refusal(AUTHENTICATION, "User couldn't be authenticated, aborting call.")
        return user

    def _user_info(self, user: User, number: int, *_decrypt: bool) -> str:
        name = next(name for name, each in self.users.items() if each is user)
        group = 0 if user.admin else 1
        return element("USER", {"ID": user.id, "GID": group, "GROUPS": {"ID": group}, "NAME": name})

    def _vm_info(self, user: User, number: int, *decrypt: bool) -> str:
        self._decrypts(user, decrypt)
        vm = self.vms.get(number)
        if vm is None:
            raise Refusal(NO_EXISTS, f"Error getting virtual machine [{number}].")
        if not (user.admin or vm.visible):
            raise Refusal(AUTHORIZATION, f"Not authorized to perform USE VM [{number}].")
        return vm.xml(whole=True)

    def _vm_action(self, user: User, action: str, number: int) -> int:
        """Change the state as ``DispatchManager`` does when it takes an action on."""
        vm = self.vms.get(number)
        if vm is None:
            raise Refusal(NO_EXISTS, f"Error getting virtual machine [{number}].")
        if not user.admin:
            message = f"User [{user.id}] : Not authorized to perform MANAGE VM [{number}]."
            raise Refusal(AUTHORIZATION, message)
        fitting, then = _OF_ACTIVE.get(action, (set[int](), 0))
        if action == "resume" and vm.state in _RESUMED:
            vm.state, vm.lcm_state = _RESUMED[vm.state]
        elif vm.state == ACTIVE and vm.lcm_state in fitting:
            vm.lcm_state = then
        else:
            raise Refusal(ACTION, f'Error performing action "{action}": {_not_now(vm)}')
        self.acts.append((action, number))
        return number

    def _vmpool_info(self, user: User, whose: int, start: int, end: int, state: int) -> str:
        if (whose, start, end, state) != (-2, -1, -1, -1):
            raise Refusal(RPC_API, "only the list of all machines is served here")
        seen = [vm for vm in self.vms.values() if user.admin or vm.visible]
        inside = "".join(vm.xml(whole=False) for vm in seen if vm.state != DONE)
        return f"<VM_POOL>{inside}</VM_POOL>"

    def _host_info(self, user: User, number: int, *decrypt: bool) -> str:
        clear = self._decrypts(user, decrypt)
        host = self.hosts.get(number)
        if host is None:
            raise Refusal(NO_EXISTS, f"Error getting host [{number}].")
        if not (user.admin or host.usable):
            raise Refusal(AUTHORIZATION, f"Not authorized to perform USE HOST [{number}].")
        template = {
            name: text if clear or name not in host.encrypted else encrypted(text)
            for name, text in host.template.items()
        }
        return element("HOST", {"ID": host.id, "NAME": host.name, "TEMPLATE": template})

    def _hostpool_info(self, user: User) -> str:
        seen = [host for host in self.hosts.values() if user.admin or host.usable]
        found = [{"ID": host.id, "NAME": host.name, "TEMPLATE": {}} for host in seen]
        return element("HOST_POOL", {"HOST": found})

    def _zonepool_info(self, _user: User) -> str:
        # open to everybody: the rule "* ZONE/* USE *" is made with the database
        return element("ZONE_POOL", {"ZONE": [zone.tree() for zone in self.zones]})

    def _decrypts(self, user: User, decrypt: tuple[bool, ...]) -> bool:
        return not self.knows_decrypt or (user.admin and any(decrypt))


def _not_now(vm: VM) -> str:
    names = {1: "PENDING", RUNNING: "RUNNING", UNKNOWN: "UNKNOWN", 18: "SHUTDOWN_POWEROFF"}
    state = names.get(vm.lcm_state if vm.state == ACTIVE else vm.state, "POWEROFF")
    return f"This action is not available for state {state}"


def encrypted(text: str) -> str:
    """Return what an account that may not decrypt is given."""
    return b64encode(text[::-1].encode()).decode()


def element(name: str, content: Any) -> str:
    """Return an XML element, its texts as OpenNebula writes them."""
    if isinstance(content, Mapping):
        inside = "".join(element(key, value) for key, value in content.items())
    elif isinstance(content, list | tuple):
        return "".join(element(name, each) for each in content)
    elif isinstance(content, int):
        inside = str(content)
    else:
        inside = f"<![CDATA[{content}]]>" if "]]>" not in content else escape(content)
    return f"<{name}>{inside}</{name}>" if inside else f"<{name}/>"


class OnedServer:
    """A daemon behind HTTP at ``/RPC2``, in threads of this process.

    Args:
        certificate: files of a certificate and its key, for HTTPS.
        host: the address that it listens on, at a free port.

    Attributes:
        oned: the daemon.
        hung: while it is cleared, answers are held back.
    """

    def __init__(
        self,
        oned: FakeOned,
        certificate: tuple[str, str] | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.oned = oned
        self.hung = Event()
        self.hung.set()
        self._scheme = "http"
        self._host = host
        self._server = ThreadingHTTPServer((host, 0), partial(_Handler, self))
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self._scheme = "https"
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Its endpoint."""
        return f"{self._scheme}://{self._host}:{self._server.server_port}/RPC2"

    def stop(self) -> None:
        """Answer what is held back, and close the port."""
        self.hung.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, server: OnedServer, *args: Any) -> None:
        self._daemon = server
        super().__init__(*args)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._daemon.hung.wait()
        if self.path != "/RPC2":
            self.send_error(404)
            return
        answer = self._daemon.oned.answer(body)
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        with suppress(ConnectionError):
            self.wfile.write(answer)

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""
