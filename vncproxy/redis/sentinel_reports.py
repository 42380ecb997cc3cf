"""What sentinels say about their master, as sentences for ``check-config``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred, gatherResults

from ..addresses import bracketed, is_loopback, is_own, meaning
from ..errors import StoreUnavailable
from .sentinel import Address, Sentinel


class SentinelReport(NamedTuple):
    """What one sentinel says.

    Attributes:
        sentinel: its address.
        advice: what to do about it; empty where all is well.
    """

    sentinel: str
    text: str
    advice: str = ""


async def ask_all(
    sentinels: Sequence[Sentinel], master: str, wait_replicas: int
) -> Sequence[SentinelReport]:
    """Return a report of each sentinel, in the given order; all are asked at once.

    Args:
        wait_replicas: how many replicas are waited for.
    """
    asking = [Deferred.fromCoroutine(_named_by(each)) for each in sentinels]
    named = await gatherResults(asking)
    usual = _most_common([each for each in named if isinstance(each, tuple)])
    reports = [
        Deferred.fromCoroutine(_report(sentinel, address, usual, master, wait_replicas))
        for sentinel, address in zip(sentinels, named, strict=True)
    ]
    return await gatherResults(reports)


async def _named_by(sentinel: Sentinel) -> Address | StoreUnavailable | None:
    try:
        return await sentinel.primary()
    except StoreUnavailable as e:
        return e


def _most_common(named: Sequence[Address]) -> Address | None:
    return Counter(named).most_common(1)[0][0] if named else None


async def _report(
    sentinel: Sentinel,
    named: Address | StoreUnavailable | None,
    usual: Address | None,
    master: str,
    wait_replicas: int,
) -> SentinelReport:
    if isinstance(named, StoreUnavailable):
        text = named.detail.removeprefix(f"sentinel at {sentinel.address} ")
        return SentinelReport(sentinel.address, text, "mend that, or correct its options")
    if named is None:
        known = await _known_masters(sentinel)
        advice = "set master to the name in its line `sentinel monitor`"
        return SentinelReport(sentinel.address, f'does not know "{master}"{known}', advice)
    text = f"names {bracketed(named[0])}:{named[1]}"
    trouble = _about_address(sentinel, named, usual)
    if not trouble:
        facts = await _facts(sentinel, master)
        trouble = await _about_quorum(sentinel, master) or _about_replicas(facts, wait_replicas)
        if facts:
            others = facts["num-other-sentinels"]
            text += f", {facts['num-slaves']} replicas and {others} other sentinels"
    what, advice = trouble or ("", "")
    return SentinelReport(sentinel.address, text + what, advice)


def _about_address(
    sentinel: Sentinel, named: Address, usual: Address | None
) -> tuple[str, str] | None:
    host, _ = named
    if is_own(host) and not is_loopback(sentinel.host):
        advice = "name the primary there, and in `replica-announce-ip`, by an address for proxies"
        return f", which is {meaning(host)} for every proxy", advice
    if named != usual:
        return ", and most of the others another one", "wait for a failover to end, or look there"
    return None


async def _about_quorum(sentinel: Sentinel, master: str) -> tuple[str, str] | None:
    try:
        await sentinel.ask("CKQUORUM", master)
    except StoreUnavailable as e:
        if "NOQUORUM" in e.detail:
            return ", and could not fail over: no quorum", "start the other sentinels"
    return None


def _about_replicas(facts: dict[str, str], wait_replicas: int) -> tuple[str, str] | None:
    replicas = int(facts.get("num-slaves", "1"))
    if not replicas:
        return ": there is nothing to fail over to", "add a replica"
    if facts and replicas < wait_replicas:
        return f", and wait_replicas is {wait_replicas}", "add replicas, or lower it"
    return None


async def _known_masters(sentinel: Sentinel) -> str:
    try:
        masters = [_pairs(each)["name"] for each in await sentinel.ask("MASTERS")]
    except (StoreUnavailable, KeyError):
        return ""
    return f"; it knows {', '.join(masters) or 'none'}"


async def _facts(sentinel: Sentinel, master: str) -> dict[str, str]:
    """Return what the sentinel knows of the master; nothing where that is not permitted."""
    try:
        facts = _pairs(await sentinel.ask("MASTER", master))
    except StoreUnavailable:
        return {}
    return facts if {"num-slaves", "num-other-sentinels"} <= facts.keys() else {}


def _pairs(answer: Any) -> dict[str, str]:
    words = [word.decode("utf-8", "replace") for word in answer]
    return dict(zip(words[::2], words[1::2], strict=True))
