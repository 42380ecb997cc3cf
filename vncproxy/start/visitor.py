"""Who uses the start page: a login, and what its policies or its key allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..api.caller import Caller
from ..api.keys import ApiKeys
from ..login.login import Login

ANY = "*"


@dataclass(frozen=True, slots=True)
class UserPolicy:
    """Users of the provider, and what they may do with which machines.

    Attributes:
        groups: of which a user has one, or ``*``.
        users: those who may as well, whatever their groups.
        access: what they may do.
    """

    groups: frozenset[str]
    users: frozenset[str]
    access: Caller

    def applies_to(self, login: Login) -> bool:
        """Tell whether a user is one of these."""
        return login.user in self.users or not self.groups.isdisjoint({ANY, *login.groups})


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who uses the page.

    Attributes:
        callers: what it may do; for each machine, the first counts that may see it.
        id: by which its requests are counted.
    """

    login: Login
    callers: Sequence[Caller]
    id: str


async def callers_of(
    login: Login, policies: Sequence[UserPolicy], keys: ApiKeys, address: str, request_id: str
) -> Sequence[Caller]:
    """Return what a login may do now; its key is looked up again each time.

    Raises:
        Unauthenticated: its key is not known any more.
        StoreUnavailable: it may be a key that is stored, and the store does not answer.
    """
    if login.key:
        found: Sequence[Caller] = [await keys.bearer_of(login.key)]
    else:
        found = [
            replace(policy.access, name=login.user, kind="login")
            for policy in policies
            if policy.applies_to(login)
        ]
    return [replace(each, request_id=request_id, address=address) for each in found]
