"""Logins at the consoles that backends name, before a user tries them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from twisted.internet.defer import Deferred, DeferredList

from ...errors import VNCProxyError
from ...interfaces import IKnowsConsoles
from ...model import ConsoleEndpoint, Timeouts
from ...upstream import try_login

MOST: Final = 64
"""The most consoles of one backend that are tried."""

TIMEOUTS: Final = Timeouts(connect=2.0, handshake=5.0, linger=1.0)


async def check_consoles(backend: object, reactor: Any) -> list[str]:
    """Return a line for each console of a backend whose login fails.

    Each login is finished, and no screen is requested: some servers lock an address out after a few
    connections that end before the login.
    """
    if not IKnowsConsoles.providedBy(backend):
        return []
    try:
        known: Mapping[str, ConsoleEndpoint] = await IKnowsConsoles(backend).consoles()
    except VNCProxyError:
        return []  # the probe reports it
    consoles = dict(islice(sorted(known.items()), MOST))
    tried = [
        Deferred.fromCoroutine(try_login(each, TIMEOUTS, reactor)) for each in consoles.values()
    ]
    results = await DeferredList(tried, consumeErrors=True)
    return [
        f"{name}: {_cause(result)}"
        for name, (succeeded, result) in zip(consoles, results, strict=True)
        if not succeeded
    ]


def _cause(why: Any) -> str:
    known = why.check(VNCProxyError)
    return str(why.value).rstrip(".") if known else f"it fails with {type(why.value).__name__}"
