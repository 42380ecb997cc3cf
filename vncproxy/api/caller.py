"""A caller of the API: its name, its scopes and the backends that it may touch."""

from __future__ import annotations

from dataclasses import dataclass

from ..config.scope import Scope
from ..errors import Forbidden
from .reply import Refusal

ALL_BACKENDS = "*"


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request, found by an `IAuthenticator`.

    Attributes:
        name: for logs.
        scopes: what it may do.
        backends: names of the backends that it may touch, or ``*``.
        kind: what ``name`` is the name of, such as ``key``.
    """

    name: str
    scopes: frozenset[Scope]
    backends: frozenset[str] = frozenset({ALL_BACKENDS})
    kind: str = "key"

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r}"

    @property
    def unrestricted(self) -> bool:
        """Whether it may touch every backend."""
        return ALL_BACKENDS in self.backends

    def may_touch(self, backend: str) -> bool:
        """Tell whether it may see and use a backend's machines."""
        return self.unrestricted or backend in self.backends

    def require_backend(self, backend: str) -> None:
        """Refuse a backend that it may not touch.

        Raises:
            Refusal: 403, whether or not such a backend exists.
        """
        if not self.may_touch(backend):
            raise Refusal(
                Forbidden.status,
                Forbidden.code,
                f"the {self} may not use the backend {backend!r}",
                field="vm",
            )

    def require_scope(self, *scopes: Scope) -> None:
        """Refuse a caller that has none of several scopes; ``ADMIN`` always suffices.

        Raises:
            Refusal: 403, naming the scopes.
        """
        if self.scopes.isdisjoint({*scopes, Scope.ADMIN}):
            wanted = " or ".join(scope.value for scope in scopes)
            message = f"the {self} lacks the scope {wanted!r}"
            raise Refusal(Forbidden.status, Forbidden.code, message)
