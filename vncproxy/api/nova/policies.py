"""What users of Keystone may do: from a valid token to a caller with its policies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ...model import Ownership
from ...openstack.keystone import InDomain, KeystoneToken
from ..caller import Caller

ANY = "*"


@dataclass(frozen=True, slots=True)
class KeystonePolicy:
    """Users of Keystone, and what they may do with which machines.

    Attributes:
        projects: ids, or ``<domain>/<name>``, or ``*``.
        roles: of which a user has one in the project, in lower case, or ``*``.
        access: what they may do, with machines that match its patterns.
        tags: of which a machine has one; none for any machine.
        own: whether a machine has to be the project's.
    """

    projects: frozenset[str]
    roles: frozenset[str]
    access: Caller
    tags: frozenset[str] = frozenset()
    own: bool = True

    def applies_to(self, token: KeystoneToken, project: InDomain) -> bool:
        """Tell whether a user is one of these."""
        known = {ANY, project.id, f"{project.domain.name}/{project.name}"}
        return not (
            self.projects.isdisjoint(known) or self.roles.isdisjoint({ANY, *token.role_names})
        )

    def admits(self, owner: Ownership, project: str) -> bool:
        """Tell whether a machine of an owner is one of those that the users may use."""
        return (not self.own or (bool(project) and owner.project == project)) and (
            not self.tags or not self.tags.isdisjoint(owner.tags)
        )


@dataclass(frozen=True, slots=True)
class KeystoneCaller(Caller):
    """A user of Keystone in a project: its rights are those of all its policies together.

    What it may do with one machine is decided by the first policy that is for the machine.

    Attributes:
        policies: that apply to the user, in the order of the configuration.
        project: the project's id.
    """

    policies: Sequence[KeystonePolicy] = ()
    project: str = ""

    def within(self, policy: KeystonePolicy) -> Caller:
        """Return this caller with what one of its policies allows."""
        return replace(
            policy.access,
            name=self.name,
            kind=self.kind,
            request_id=self.request_id,
            address=self.address,
        )

    @property
    def asks_owners(self) -> bool:
        """Whether a policy depends on whose a machine is."""
        return any(policy.own or policy.tags for policy in self.policies)


def keystone_caller(
    token: KeystoneToken, policies: Iterable[KeystonePolicy]
) -> KeystoneCaller | None:
    """Return the caller for a valid token; None where no policy applies to its user."""
    project = token.project
    if project is None:
        return None
    found = [policy for policy in policies if policy.applies_to(token, project)]
    if not found:
        return None
    return KeystoneCaller(
        name=token.user.id,
        scopes=frozenset().union(*(policy.access.scopes for policy in found)),
        backends=frozenset().union(*(policy.access.backends for policy in found)),
        kind=f"keystone project {project.id}, user",
        policies=found,
        project=project.id,
    )
