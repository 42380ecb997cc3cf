"""How proxies that share a Redis differ although they should not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .announcement import Announcement
from .identity import Identity

BACKEND_DIFFERS = "backend-differs"
BACKEND_MISSING = "backend-missing"
SAME_NAME = "same-name"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference.

    Attributes:
        code: ``backend-differs``: proxies have tables of the same name that are not equal;
            ``backend-missing``: some proxies have no table of the name;
            ``same-name``: several proxies have one name.
        subject: the name of the backend, or of the proxies.
        proxies: the id and name of each proxy that it is about, in order.
    """

    code: str
    subject: str
    proxies: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        names = " and ".join(f"{name} ({id_})" for id_, name in self.proxies)
        match self.code:
            case "backend-differs":
                return f"the backend {self.subject} is not configured alike at the proxies {names}"
            case "backend-missing":
                return f"the backend {self.subject} is missing at {names}, and not at other proxies"
        return f"several proxies have the name {self.subject}: {names}; set proxy.name of each"


def differences(workers: Iterable[Announcement]) -> Iterator[Difference]:
    """Yield how the proxies differ; of each, the workers of its newest generation count.

    The backends of proxies that serve some hosts only differ by their nature.
    """
    newest: dict[str, Announcement] = {}
    for worker in sorted(workers, key=lambda worker: worker.identity.generation):
        newest[worker.identity.proxy_id] = worker
    proxies = sorted(newest.values(), key=lambda each: (each.identity.name, each.identity.proxy_id))
    yield from _of_backends([each for each in proxies if each.serves is None])
    yield from _of_names(proxies)


def _of_backends(proxies: list[Announcement]) -> Iterator[Difference]:
    for name in sorted({name for proxy in proxies for name in proxy.backends}):
        having = [proxy for proxy in proxies if name in proxy.backends]
        if len({proxy.backends[name] for proxy in having}) > 1:
            yield Difference(BACKEND_DIFFERS, name, _named(each.identity for each in having))
        if lacking := [proxy.identity for proxy in proxies if name not in proxy.backends]:
            yield Difference(BACKEND_MISSING, name, _named(lacking))


def _of_names(proxies: list[Announcement]) -> Iterator[Difference]:
    by_name: dict[str, list[Identity]] = defaultdict(list)
    for proxy in proxies:
        by_name[proxy.identity.name].append(proxy.identity)
    for name, same in by_name.items():
        if len(same) > 1:
            yield Difference(SAME_NAME, name, _named(same))


def _named(identities: Iterable[Identity]) -> tuple[tuple[str, str], ...]:
    return tuple((identity.proxy_id, identity.name) for identity in identities)
