"""What is configured for Nova's API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..authentication import IAuthenticator


@dataclass(frozen=True, slots=True)
class NovaOptions:
    """What ``[nova]`` says.

    Attributes:
        authenticators: find the caller of a request, in this order.
        url: where clients reach the service's root; empty for what a request was sent to.
        novnc_url: the page of links of the type ``novnc``; empty for the proxy's own.
    """

    authenticators: Sequence[IAuthenticator] = ()
    url: str = ""
    novnc_url: str = ""
