"""Whether consoles that are written down can be logged in to, before a user finds out."""

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
"""Consoles of one backend that are tried; there may be thousands."""

TIMEOUTS: Final = Timeouts(connect=2.0, handshake=5.0, linger=1.0)


async def check_consoles(backend: object, reactor: Any) -> list[str]:
    """Return a line for each console that a backend knows of and that lets nobody in.

    Each login is finished, and no screen is asked for: servers count connections that end before,
    and lock an address out after a few.
    """
    if not IKnowsConsoles.providedBy(backend):
        return []
    try:
        known: Mapping[str, ConsoleEndpoint] = await IKnowsConsoles(backend).consoles()
    except VNCProxyError:
        return []  # its probe has told
    consoles = dict(islice(sorted(known.items()), MOST))
    tried = [
        Deferred.fromCoroutine(try_login(each, TIMEOUTS, reactor)) for each in consoles.values()
    ]
    results = await DeferredList(tried, consumeErrors=True)
    return [
        f"{name}: {_words(result)}"
        for name, (succeeded, result) in zip(consoles, results, strict=True)
        if not succeeded
    ]


def _words(why: Any) -> str:
    known = why.check(VNCProxyError)
    return str(why.value).rstrip(".") if known else f"it fails with {type(why.value).__name__}"
