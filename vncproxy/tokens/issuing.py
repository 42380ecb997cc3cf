"""Issuing a token: from a checked request to the stored token and its access URL.

Everything that issues tokens uses it. It has nothing of HTTP, and does not check what its caller
may do.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from ..errors import PolicyUnsupported, VMNotFound
from ..interfaces import ITokenStore
from ..model import ConsoleType, Joins, Policy, Token, UnixTime, Visit, VMAddress, secret_id
from .access_url import access_url
from .machine_check import MachineCheck, no_machine
from .policy import check_policy
from .refusals import IssueRefused, NoProxyForHost

MOST_HOPS: Final = 2
"""Proxies by which a request may come: that of a host, and a central one before another host's."""


@dataclass(frozen=True, slots=True)
class IssueRequest:
    """What a token is to be issued for.

    Attributes:
        user: for logs, and to revoke tokens by.
        ttl: seconds that the token lives; None for the configured time.
        check: whether the machine must exist, by its backend.
        visit: the session of another zone that it is for.
        hops: how many proxies it has come by.
        running: whether the machine must be on.
        joins: the live session that it is bound to.
    """

    vm: VMAddress
    user: str
    type: ConsoleType = ConsoleType.NOVNC
    policy: Policy = field(default_factory=Policy)
    ttl: float | None = None
    check: bool = False
    visit: Visit | None = None
    hops: int = 0
    running: bool = False
    joins: Joins | None = None


@dataclass(frozen=True, slots=True)
class _Here:
    """This proxy as the way of a link."""

    urls: Mapping[ConsoleType, str]
    peer: None = None
    running: bool = False


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token that is stored, with the secret that is kept nowhere else.

    Attributes:
        id: by which it is shown and revoked.
        url: the access URL, which holds the secret.
        base: where the proxy is reached that the link leads to, for this type of viewer.
        records: whether sessions can be recorded here.
        rfb_address: host and port where native viewers reach it; empty where it is not known.
    """

    id: str
    token: Token
    secret: str = field(repr=False)
    url: str = field(repr=False)
    base: str = ""
    rfb_address: str = ""


class IPeer(Protocol):
    """Another proxy, which issues tokens of its own."""

    async def issue(
        self, token: Token, ttl: float, hops: int, *, running: bool = False
    ) -> IssuedToken:
        """Let it issue a token that lives so many seconds.

        Raises:
            VMNotFound, NoProxyForHost: it cannot, and another proxy may.
            IssueRefused: it refuses the request.
        """


class IWay(Protocol):
    """A proxy that a link may lead to.

    Attributes:
        urls: the base of its access URL for each type of viewer.
        peer: what issues the token; None for our own store.
        running: whether it is asked only for a machine that is on.
    """

    @property
    def urls(self) -> Mapping[ConsoleType, str]:
        """See above."""

    @property
    def peer(self) -> IPeer | None:
        """See above."""

    @property
    def running(self) -> bool:
        """See above."""


class IPlaces(Protocol):
    """Knows which proxies show a machine."""

    async def ways(
        self, vm: VMAddress, *, hops: int = 0, running: bool = False
    ) -> tuple[Sequence[IWay], bool]:
        """Return the proxies that a link may lead to, the best first, and whether it was seen.

        Args:
            hops: how many proxies the request has come by.
            running: whether the machine must be on.

        Raises:
            VMNotFound: there is no such machine.
            ConsoleUnavailable: it is not on.
            NoProxyForHost: no proxy shows it now.
        """


@dataclass(frozen=True, slots=True)
class IssueRules:
    """The configured limits of tokens.

    Attributes:
        ttl: seconds that a token lives when the request does not say.
        max_ttl: the most that a request may ask for.
        urls: the base of the access URL for each type.
        backends: names that a VM's address may begin with.
        rfb_address: host and port where native viewers reach this proxy; empty for nowhere.
    """

    ttl: float
    max_ttl: float
    urls: Mapping[ConsoleType, str]
    backends: Container[str]
    rfb_address: str = ""
    records: bool = False

    def check_recording(self, policy: Policy) -> None:
        """Refuse a policy that demands a recording where there is none.

        Raises:
            IssueRefused: it does.
        """
        if policy.record and not self.records:
            raise IssueRefused(
                "record: true is not enforced by this proxy, since [recording] directory is empty",
                field="policy.record",
                code=PolicyUnsupported.code,
            )

    def lifetime(self, ttl: float | None) -> float:
        """Return the seconds that a token lives.

        Args:
            ttl: from the request; None for the configured time.

        Raises:
            IssueRefused: it is more than ``max_ttl``.
        """
        if ttl is not None and ttl > self.max_ttl:
            raise IssueRefused(f"should be at most {self.max_ttl:g} seconds", field="ttl")
        return ttl or self.ttl

    def address_for(self, token: Token, base: str) -> str:
        """Return where a token's native viewer connects; empty for browsers and other proxies."""
        here = token.type is ConsoleType.XVPVNC and base == self.urls[token.type]
        return self.rfb_address if here else ""

    def check_backend(self, vm: VMAddress) -> None:
        """Refuse a VM whose backend is not configured.

        Raises:
            IssueRefused: there is no such backend.
        """
        if vm.backend not in self.backends:
            message = f"there is no backend {vm.backend!r}, and no zone of this name"
            raise IssueRefused(message, field="vm", code="backend-unknown")


class TokenIssuer:
    """Issues tokens.

    Args:
        store: where tokens live.
        rules: the configured limits.
        machines: checks that machines exist.
        time: wall-clock time.
        places: which proxy shows a machine; without it, links lead to this one.
    """

    def __init__(
        self,
        store: ITokenStore,
        rules: IssueRules,
        machines: MachineCheck,
        time: Callable[[], UnixTime],
        places: IPlaces | None = None,
    ) -> None:
        self._places = places
        self._store = store
        self._rules = rules
        self._machines = machines
        self._time = time

    async def issue(self, request: IssueRequest) -> IssuedToken:
        """Store a token and return it with its secret and access URL.

        Raises:
            IssueRefused: with the field of the request that cannot be.
            BackendError: the machine is to be checked, and its backend fails.
            NoProxyForHost: no proxy shows the consoles of its host.
            StoreUnavailable: nothing was issued.
        """
        token, problem = self._token(request), None
        for way in await self._ways(request):
            try:
                return await self._issue_by(way, request, token.policy)
            except (VMNotFound, NoProxyForHost) as e:
                problem = problem or e
        if isinstance(problem, NoProxyForHost):
            raise problem
        raise no_machine(request.vm) from problem

    async def _ways(self, request: IssueRequest) -> Sequence[IWay]:
        """Return where a link may lead.

        Another zone knows this one by one address only, and a live session is known here only.
        """
        seen, here = False, _Here(self._rules.urls)
        ways: Sequence[IWay] = (here,)
        if self._places is not None and request.visit is None:
            try:
                ways, seen = await self._places.ways(
                    request.vm, hops=request.hops, running=request.running
                )
            except VMNotFound as e:
                raise no_machine(request.vm) from e
        if request.joins is not None:
            ways = [way for way in ways if way.peer is None] or [here]
        if request.check and not seen and all(way.peer is None for way in ways):
            await self._machines.require(request.vm)
        return ways

    async def _issue_by(self, way: IWay, request: IssueRequest, policy: Policy) -> IssuedToken:
        token = replace(self._token(request), policy=policy)  # its time begins now
        if way.peer is not None:
            ttl, running = token.expires_at - token.issued_at, request.running or way.running
            return await way.peer.issue(token, ttl, request.hops + 1, running=running)
        base, secret = way.urls[token.type], await self._store.issue(token)
        url, address = access_url(base, secret), self._rules.address_for(token, base)
        return IssuedToken(secret_id(secret), token, secret, url, base, address)

    def _token(self, request: IssueRequest) -> Token:
        self._rules.check_backend(request.vm)
        policy, now = check_policy(request.policy), self._time()
        self._rules.check_recording(policy)
        expires_at = now + self._rules.lifetime(request.ttl)
        return Token(
            request.vm,
            request.user,
            request.type,
            policy,
            now,
            expires_at,
            request.visit,
            joins=request.joins,
        )
