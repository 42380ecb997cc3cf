"""Issuing a token: from a checked request to the stored token and its access URL.

Everything that issues tokens uses it. It has nothing of HTTP, and does not check what its caller
may do.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ..errors import VMNotFound
from ..interfaces import ITokenStore
from ..model import ConsoleType, Policy, Token, UnixTime, Visit, VMAddress, secret_id
from .access_url import access_url
from .machine_check import MachineCheck, no_machine
from .policy import check_policy
from .refusals import IssueRefused


@dataclass(frozen=True, slots=True)
class IssueRequest:
    """What a token is to be issued for.

    Attributes:
        user: for logs, and to revoke tokens by.
        ttl: seconds that the token lives; None for the configured time.
        check: whether the machine must exist, by its backend.
        visit: the session of another zone that it is for.
    """

    vm: VMAddress
    user: str
    type: ConsoleType = ConsoleType.NOVNC
    policy: Policy = field(default_factory=Policy)
    ttl: float | None = None
    check: bool = False
    visit: Visit | None = None


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token that is stored, with the secret that is kept nowhere else.

    Attributes:
        id: by which it is shown and revoked.
        url: the access URL, which holds the secret.
        base: where the proxy is reached that the link leads to, for this type of viewer.
    """

    id: str
    token: Token
    secret: str = field(repr=False)
    url: str = field(repr=False)
    base: str = ""


class IPlace(Protocol):
    """Where users reach a console."""

    @property
    def urls(self) -> Mapping[ConsoleType, str]:
        """The base of its access URL for each type."""


class IPlaces(Protocol):
    """Knows which proxy shows a machine."""

    async def place(self, vm: VMAddress) -> IPlace:
        """Return where a link for a machine leads.

        Raises:
            VNCProxyError: no proxy shows it.
        """


@dataclass(frozen=True, slots=True)
class IssueRules:
    """The configured limits of tokens.

    Attributes:
        ttl: seconds that a token lives when the request does not say.
        max_ttl: the most that a request may ask for.
        urls: the base of the access URL for each type.
        backends: names that a VM's address may begin with.
    """

    ttl: float
    max_ttl: float
    urls: Mapping[ConsoleType, str]
    backends: Container[str]

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
        token = self._token(request)
        if request.check:
            await self._machines.require(token.vm)
        base = await self._base(request)
        token = self._token(request)  # its time begins now
        secret = await self._store.issue(token)
        return IssuedToken(secret_id(secret), token, secret, access_url(base, secret), base)

    async def _base(self, request: IssueRequest) -> str:
        """Return what a link begins with; another zone knows this one by one address only."""
        if self._places is None or request.visit is not None:
            return self._rules.urls[request.type]
        try:
            return (await self._places.place(request.vm)).urls[request.type]
        except VMNotFound as e:
            raise no_machine(request.vm) from e

    def _token(self, request: IssueRequest) -> Token:
        self._rules.check_backend(request.vm)
        policy, now = check_policy(request.policy), self._time()
        expires_at = now + self._rules.lifetime(request.ttl)
        return Token(request.vm, request.user, request.type, policy, now, expires_at, request.visit)
