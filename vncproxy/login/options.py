"""How the provider is asked."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ProviderOptions:
    """What is configured of the provider.

    Attributes:
        issuer: as its tokens have it.
        secret: empty for a client without one.
        redirect_uri: where it sends browsers back to.
        scopes: what is asked for.
        user_claim, name_claim, groups_claim: where its answers have the user, the name and the
            groups.
        lifetime: seconds that a login lasts.
    """

    issuer: str
    client_id: str
    redirect_uri: str
    secret: str = field(default="", repr=False)
    scopes: tuple[str, ...] = ("openid", "profile")
    user_claim: str = "sub"
    name_claim: str = "name"
    groups_claim: str = "groups"
    lifetime: float = 28800.0


class Fetch(Protocol):
    """Sends one request to the provider."""

    def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: str = ""
    ) -> Awaitable[tuple[int, bytes]]:
        """Return the status and the content of an answer.

        Raises:
            ProviderUnavailable: there is none.
        """
