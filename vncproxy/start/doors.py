"""What the listeners know of a request."""

from __future__ import annotations

from typing import Protocol

from twisted.web.http import Request


class IDoor(Protocol):
    """Users as the listeners see them."""

    def client(self, request: Request) -> str:
        """Return a user's address."""

    def is_own_page(self, request: Request) -> bool:
        """Tell whether a request was sent by a page of ours, by its ``Origin``."""

    def refuses_cheaply(self, client: str) -> bool:
        """Tell whether an address is refused too often already."""

    def refused(self, client: str, what: str, why: str) -> str:
        """Count and log a refusal; returns its id in brackets, or nothing."""
