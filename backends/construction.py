"""Makes backends, also of classes that take ``(name, settings, calls)``."""

from __future__ import annotations

import inspect
from typing import Any

from twisted.logger import Logger

from ..interfaces import BackendClass, BackendContext, IBlockingCalls, IZoneLinks

_log = Logger()


def new_context(
    kind: object,
    name: str,
    settings: Any,
    calls: IBlockingCalls,
    reactor: Any,
    zone: str = "",
    links: IZoneLinks | None = None,
) -> BackendContext:
    """Return what a backend of a class is made with.

    Args:
        name: the NAME of its table.
        settings: an instance of ``kind.Settings``, where ``kind`` is the backend's class.
        calls: threads of its own.
        reactor: its clock, its resolver and its connections are handed on.
        zone: the zone of the proxy.
        links: connections to zones that dial this one.
    """
    return BackendContext(
        name=name,
        settings=settings,
        calls=calls,
        clock=reactor,
        resolver=reactor.nameResolver,
        log=Logger(namespace=_full_name(kind)),
        network=reactor,
        zone=zone,
        links=links,
    )


def make(kind: BackendClass, context: BackendContext) -> Any:
    """Return a new backend of a class.

    A class that takes ``(name, settings, calls)``, as all did before 0.1, is made that way, and a
    warning is logged.

    Raises:
        ConfigurationError: the backend's SDK is missing, or a file cannot be used.
    """
    if not takes_three(kind):
        return kind(context)
    _log.warn(
        "backend {backend}: {kind} takes (name, settings, calls), which will not work in 0.2: let "
        "it take a vncproxy.interfaces.BackendContext (docs/backends.md)",
        backend=context.name,
        kind=_full_name(kind),
    )
    old: Any = kind
    return old(context.name, context.settings, context.calls)


def takes_three(kind: BackendClass) -> bool:
    """Return whether a class is made with ``(name, settings, calls)``.

    A class that takes a context may have one more positional argument with a default.
    """
    try:
        signature = inspect.signature(kind)
    except ValueError:  # of a class without Python code
        return False
    try:
        signature.bind(None, None, None)
    except TypeError:
        return False
    return True


def _full_name(kind: object) -> str:
    return f"{kind.__module__}.{getattr(kind, '__qualname__', 'backend')}"
