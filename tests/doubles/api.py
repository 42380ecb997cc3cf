"""The API over a memory store, with small doubles for sessions and backends."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from treq.testing import StubTreq
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from tests.doubles.conformance import complaints
from vncproxy.api import (
    ApiKey,
    ApiKeys,
    ApiParts,
    Caller,
    IAuthenticator,
    Scope,
    api_resource,
    new_api_key,
)
from vncproxy.api.audit import ApiAudit
from vncproxy.api.broadcast import Broadcast
from vncproxy.api.stored_keys import StoredKeys
from vncproxy.api.v1.recordings import Reviews
from vncproxy.api.v1.screen import Screens
from vncproxy.api.v1.screenshots import Pictures
from vncproxy.api.v1.typing import Types
from vncproxy.config.scope import Access
from vncproxy.consent.consent import Consent
from vncproxy.errors import (
    BackendError,
    ConsoleUnavailable,
    ModeFixed,
    SessionEnded,
    StoreUnavailable,
    VMNotFound,
    VNCProxyError,
)
from vncproxy.interfaces import (
    IConsoleBackend,
    IMachineIds,
    IProxies,
    ISessionRegistry,
    ITokenStore,
    IVMInventory,
)
from vncproxy.login.memory import MemoryLogins
from vncproxy.metrics import Registry
from vncproxy.model import (
    ANY_SESSION,
    Activity,
    Announcement,
    Approval,
    Border,
    Changed,
    ConsoleEndpoint,
    ConsoleType,
    Decided,
    Decision,
    Ended,
    Messaged,
    Mode,
    SessionFilter,
    SessionInfo,
    Transport,
    Unconfirmed,
    VMAddress,
    VMSummary,
)
from vncproxy.portals.memory import MemoryPortalStore
from vncproxy.power import MachinePower, PowerAudit
from vncproxy.tokens.memory import MemoryTokenStore
from vncproxy.zones.request import Peer

NOW = 1_767_323_045.0  # 2026-01-02T03:04:05Z
WEB_01 = VMAddress("kvm", "web-01")


def session(
    session_id: str = "7f3a0001",
    *,
    vm: VMAddress | None = WEB_01,
    user: str = "alice",
    token_id: str = "ab" * 32,
    started_at: float = NOW,
    border: Border | None = None,
) -> SessionInfo:
    return SessionInfo(
        id=session_id,
        type=ConsoleType.NOVNC,
        client="192.0.2.1",
        started_at=started_at,
        token_id=token_id,
        vm=vm,
        user=user,
        seconds=12.34,
        bytes_down=5000,
        bytes_up=70,
        host="192.0.2.10",
        proxy="proxy-1",
        border=border,
    )


@implementer(ISessionRegistry)
class MemorySessions:
    """Sessions that end at once.

    Attributes:
        waiting: what those wait for that wait, by the ids of sessions.
        ended: the reasons, by the ids of sessions.
        silent: processes that confirm nothing.
        fixed_ids: sessions whose mode cannot change.
        reenters: whether the pages of those that may only view enter again.
        messages: those that were shown, each with its session and who sent it.
    """

    def __init__(self) -> None:
        self.silent: tuple[Unconfirmed, ...] = ()
        self.full: VNCProxyError | None = None
        self.fixed: VNCProxyError | None = None
        self.fixed_ids: frozenset[str] = frozenset()
        self.reenters = True
        self.changed_by = ""
        self.live: dict[str, SessionInfo] = {}
        self.waiting: dict[str, Consent] = {}
        self.ended: dict[str, SessionEnded] = {}
        self.messages: list[tuple[str, str, str]] = []

    def refusal(self) -> VNCProxyError | None:
        return self.full

    def add(self, info: SessionInfo) -> SessionInfo:
        self.live[info.id] = info
        return info

    async def list(
        self,
        wanted: SessionFilter = ANY_SESSION,
        *,
        allows: Callable[[VMAddress], bool] | None = None,
        limit: int | None = None,
        after: str = "",
    ) -> Sequence[SessionInfo]:
        found = [s for s in self.live.values() if wanted.accepts(s) and s.cursor > after]
        if allows is not None:
            found = [s for s in found if s.vm is not None and allows(s.vm)]
        return sorted(found, key=lambda session: session.cursor)[:limit]

    async def visit(
        self,
        take: Callable[[SessionInfo], object],
        wanted: SessionFilter = ANY_SESSION,
        **more: Any,
    ) -> None:
        for session in await self.list(wanted, **more):
            take(session)

    async def of_machine(self, vm: VMAddress) -> Sequence[SessionInfo]:
        return await self.list(SessionFilter(vm=vm))

    async def get(self, session_id: str) -> SessionInfo | None:
        return self.live.get(session_id)

    async def decide(self, session_id: str, decision: Decision) -> Decided | None:
        consent = self.waiting.get(session_id)
        if session_id not in self.live:
            return None
        return consent.decide(decision) if consent else Decided(Approval(0), waits=False)

    async def end(self, session_id: str, why: SessionEnded, by: str = "") -> Ended:
        if session_id not in self.live:
            return Ended(0, self.silent)
        del self.live[session_id]
        self.ended[session_id] = why
        return Ended(1, self.silent)

    async def change(self, session_id: str, mode: Mode, by: str = "") -> Changed:
        if session_id not in self.live or self.silent:
            return Changed(known=False, unconfirmed=self.silent)
        if self.fixed is not None:
            raise self.fixed
        if session_id in self.fixed_ids:
            raise ModeFixed
        self.live[session_id] = replace(self.live[session_id], mode=mode)
        self.changed_by = by
        return Changed(known=True, reenters=self.reenters and mode is Mode.VIEW_ONLY)

    async def message(self, session_id: str, text: str, by: str = "") -> Messaged:
        if session_id not in self.live or self.silent:
            return Messaged(known=False, unconfirmed=self.silent)
        self.messages.append((session_id, text, by))
        return Messaged(known=True, shown=self.live[session_id].type is ConsoleType.NOVNC)

    async def end_where(self, why: SessionEnded, wanted: SessionFilter, by: str = "") -> Ended:
        found = await self.list(wanted)
        for session in found:
            await self.end(session.id, why)
        return Ended(len(found), self.silent)


@implementer(IProxies)
class MemoryProxies:
    """Processes of proxies, as a test sets them.

    Attributes:
        mark: of changes of sessions.
        asked: how many times that was asked for.
        away: whether it cannot be asked for.
    """

    def __init__(self) -> None:
        self.found: list[Announcement] = []
        self.drained: list[tuple[str, str]] = []
        self.mark = "0"
        self.asked = 0
        self.away = False
        self.silent: tuple[Unconfirmed, ...] = ()

    async def workers(self) -> Sequence[Announcement]:
        return self.found

    async def activity(self) -> Activity:
        self.asked += 1
        if self.away:
            raise StoreUnavailable("away")
        return Activity(list(self.found), self.mark)

    async def drain(self, proxy: str, by: str) -> Ended:
        self.drained.append((proxy, by))
        return Ended(0, self.silent)


@implementer(IConsoleBackend)
class Blind:
    """A backend that cannot list."""

    def locate(self, vm: str) -> Awaitable[ConsoleEndpoint]:
        raise AssertionError("the API locates a console only when it is asked to check")

    async def probe(self) -> str:
        raise AssertionError("the API never dials a hypervisor")

    async def close(self) -> None:
        pass


@implementer(IMachineIds, IVMInventory)
class Listing(Blind):
    """A backend with machines, or with a failure, or that never answers."""

    def __init__(self, name: str, machines: dict[str, str]) -> None:
        self.machines = [VMSummary(VMAddress(name, vm), vm, s) for vm, s in machines.items()]
        self.failure: Exception | None = None
        self.silent = False
        self.names: set[str] = set()

    def fixed_part(self, vm: str) -> str:
        return "" if vm in self.names else vm

    async def locate(self, vm: str) -> ConsoleEndpoint:
        if self.silent:
            await Deferred()
        if self.failure:
            raise self.failure
        for machine in self.machines:
            if machine.vm.vm == vm:
                if machine.state != "running":
                    raise ConsoleUnavailable(machine.state)
                return ConsoleEndpoint(Transport.FD, fd=os.dup(0))
        raise VMNotFound(f"no machine {vm}")

    async def list(self) -> Sequence[VMSummary]:
        if self.silent:
            await Deferred()
        if self.failure:
            raise self.failure
        return self.machines


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)

    @property
    def error(self) -> dict[str, Any]:
        error: dict[str, Any] = self.body["error"]
        assert set(error) == {"code", "message", "field"}, error
        return error


class ApiTestCase(SynchronousTestCase):
    """Calls a real site in memory; ``self.key`` is an administrator's."""

    def setUp(self) -> None:
        self.time = NOW
        self.clock = Clock()
        self.store: ITokenStore = MemoryTokenStore(lambda: self.time, 0, lambda: self.time)
        self.sessions = MemorySessions()
        self.proxies = MemoryProxies()
        self.broadcast = Broadcast(self.proxies, self.clock)
        self.kvm = Listing("kvm", {"web-01": "running", "db-01": "shut off"})
        self.backends = {"kvm": self.kvm, "esx": Listing("esx", {"mail": "running"}), "b": Blind()}
        self.registry = Registry()
        self.portals = MemoryPortalStore(self.clock.seconds)
        self.logins = MemoryLogins(self.clock.seconds)
        self.stored_keys = StoredKeys(self.portals, self.clock.seconds)
        self.audit: list[dict[str, Any]] = []
        self.keys: list[ApiKey] = []
        self.locate_timeout = 10.0
        self.zone = self.rfb_address = ""
        self.zones: dict[str, Peer] = {}
        self.pictures: Pictures | None = None
        self.reviews: Reviews | None = None
        self.type_keys: Types | None = None
        self.screens: Screens | None = None
        self.asked: dict[Deferred[Any], tuple[str, str]] = {}
        self.key = self.add_key("root", Scope.ADMIN)
        self.serve()

    def add_key(
        self, name: str, *scopes: Scope, backends: Sequence[str] = ("*",), **more: Any
    ) -> str:
        key, digest = new_api_key()
        expires, rates = more.pop("expires", None), more.pop("rates", ())
        caller = Caller.of(name, Access(scopes=frozenset(scopes), backends=tuple(backends), **more))
        self.keys.append(ApiKey(digest, caller, expires, rates))
        return key

    def note(self, event: str, members: Mapping[str, object]) -> None:
        self.audit.append({"event": event, **members})

    @property
    def api_keys(self) -> ApiKeys:
        return ApiKeys(self.keys, lambda: self.time, self.stored_keys)

    def authenticators(self) -> list[IAuthenticator]:
        return [self.api_keys]

    def serve(self) -> None:
        self.resource = api_resource(
            ApiParts(
                store=self.store,
                sessions=self.sessions,
                proxies=self.proxies,
                backends=self.backends,
                power=MachinePower(lambda: self.backends, self.clock, PowerAudit(self.note)),
                authenticators=self.authenticators(),
                keys=self.api_keys,
                portals=self.portals,
                logins=self.logins,
                audit=ApiAudit(self.note, self.clock.seconds),
                broadcast=self.broadcast,
                metrics_registry=self.registry,
                time=lambda: self.time,
                clock=self.clock,
                ttl=600,
                max_ttl=86400,
                locate_timeout=self.locate_timeout,
                base_url="https://console.example.com/",
                xvp_url="http://console.example.com:6081/console",
                rfb_address=self.rfb_address,
                type_keys=self.type_keys,
                screens=self.screens,
                zone=self.zone,
                zones=self.zones,
                pictures=self.pictures,
                reviews=self.reviews,
            )
        )
        self.treq = StubTreq(self.resource)

    def key_with(self, *scopes: Scope, backends: Sequence[str] = ("*",), **more: Any) -> str:
        key = self.add_key("portal", *scopes, backends=backends, **more)
        self.serve()
        return key

    def begin(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Deferred[Any]:
        sent = {"Authorization": f"Bearer {self.key if key is None else key}"}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = self.treq.request(  # type: ignore[attr-defined]
            method,
            f"http://127.0.0.1:6082{path}",
            headers=sent if headers is None else headers,
            data=None if body is None else data,
        )
        assert isinstance(request, Deferred)
        self.asked[request] = method, path
        return request

    def finish(self, request: Deferred[Any]) -> Answer:
        """Return the answer, which is as the document of the API says."""
        self.treq.flush()
        response = self.successResultOf(request)
        text = self.successResultOf(response.text(encoding="utf-8"))
        headers = {
            name.decode().lower(): values[0].decode()
            for name, values in response.headers.getAllRawHeaders()
        }
        method, path = self.asked.pop(request)
        if path != "/" and not path.startswith(("/v2.1", "/static/")):  # not of /v1
            self.assertEqual(complaints(method, path, response.code, headers, text), "")
        return Answer(response.code, headers, text)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        return self.finish(self.begin(method, path, body, key=key, headers=headers))

    def issue(self, **changes: object) -> Answer:
        return self.call("POST", "/v1/tokens", {"vm": "kvm/web-01", "user": "alice", **changes})

    def assertRefused(self, answer: Answer, status: int, code: str, field: str | None) -> None:
        error = answer.error
        self.assertEqual((answer.status, error["code"], error["field"]), (status, code, field))
        self.assertEqual(answer.headers["content-type"], "application/json")


def broken() -> BackendError:
    return BackendError("connect to 10.0.0.9 failed: password hunter2 refused")
