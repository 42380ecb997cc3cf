"""A caller of the API: its name, its scopes, and the machines that it may touch."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..config.scope import OF_THEIR_OWN, Access, Scope
from ..errors import Forbidden
from ..model import ALL_VMS, NO_BOUNDS, PolicyBounds, Rate, UnixTime, VMAddress, VMPatterns
from .reply import Refusal

ALL_BACKENDS = "*"


@dataclass(frozen=True, slots=True)
class Credential:
    """The key that a request was sent with.

    Attributes:
        id: SHA-256 of the key.
        rates: by which its requests are counted.
        expires_at: by the wall clock; None for no end.
        seal: a secret that only bearers of the key can have, derived from it.
    """

    id: str
    rates: tuple[Rate, ...] = ()
    expires_at: UnixTime | None = None
    seal: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request, found by an `IAuthenticator`.

    Attributes:
        name: for logs.
        scopes: what it may do.
        backends: names of the backends that it may touch, or ``*``.
        kind: what ``name`` is the name of, such as ``key``.
        vms: patterns for the machines that it may touch.
        match_names: whether names that tenants may choose are matched, too.
        policy: the most that its links may do.
        credential: its key; None where it has none.
        request_id: of the request that it sends.
        address: from where.
    """

    name: str
    scopes: frozenset[Scope]
    backends: frozenset[str] = frozenset({ALL_BACKENDS})
    kind: str = "key"
    vms: VMPatterns = ALL_VMS
    match_names: bool = False
    policy: PolicyBounds = NO_BOUNDS
    credential: Credential | None = None
    request_id: str = ""
    address: str = ""

    @classmethod
    def of(cls, name: str, access: Access, kind: str = "key") -> Caller:
        """Return a caller with what a table of the configuration allows."""
        return cls(
            name,
            access.scopes,
            frozenset(access.backends),
            kind,
            access.vms,
            access.match_names,
            access.policy,
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r}"

    @property
    def unrestricted(self) -> bool:
        """Whether it may touch every machine."""
        return ALL_BACKENDS in self.backends and self.vms.everything

    def may_touch(self, backend: str) -> bool:
        """Tell whether it may see and use machines of a backend, all or some."""
        named = ALL_BACKENDS in self.backends or backend in self.backends
        return named and self.vms.touches(backend)

    def may_use(self, vm: VMAddress, fixed: str) -> bool:
        """Tell whether it may see and use a machine.

        Args:
            fixed: the part of the machine's id that no tenant can choose, as `IMachineIds` has it.
        """
        named = ALL_BACKENDS in self.backends or vm.backend in self.backends
        return named and self.vms.accepts(vm, vm.vm if self.match_names else fixed)

    def require_scope(self, *scopes: Scope) -> None:
        """Refuse a caller that has none of several scopes; ``ADMIN`` includes most.

        Raises:
            Refusal: 403, naming the scopes.
        """
        enough = {*scopes} if OF_THEIR_OWN.issuperset(scopes) else {*scopes, Scope.ADMIN}
        if self.scopes.isdisjoint(enough):
            wanted = " or ".join(scope.value for scope in scopes)
            message = f"the {self} lacks the scope {wanted!r}"
            raise Refusal(Forbidden.status, Forbidden.code, message)
