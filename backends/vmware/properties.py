"""Reads properties of managed objects, many in one question.

Everything here blocks; it is called in a thread, through `Session`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pyVmomi import vim, vmodl

from .connection import VSphere

PropertyCollector = vmodl.query.PropertyCollector

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Properties:
    """What could be read of one object.

    Attributes:
        object: the managed object.
        values: by path; what is unset or may not be read is missing.
    """

    object: Any
    values: dict[str, Any]
    _refusals: dict[str, Any]

    def required(self, path: str) -> Any:
        """Return a value that every such object has.

        Raises:
            MethodFault: why it may not be read.
            LookupError: it is unset.
        """
        if path in self._refusals:
            raise self._refusals[path]
        return self.values[path]


def read(vsphere: VSphere, thing: Any, *paths: str) -> Properties:
    """Read properties of one object.

    Raises:
        ManagedObjectNotFound: it does not exist.
    """
    where = [PropertyCollector.ObjectSpec(obj=thing)]
    found = list(_collect(vsphere, where, type(thing), paths))
    if not found:
        raise vmodl.fault.ManagedObjectNotFound(obj=thing)
    return found[0]


def read_these(vsphere: VSphere, things: Sequence[Any], *paths: str) -> list[Properties]:
    """Read properties of several objects of one kind, also of those that the account cannot see.

    Raises:
        ManagedObjectNotFound: one of them does not exist any more.
    """
    if not things:
        return []
    where = [PropertyCollector.ObjectSpec(obj=thing) for thing in things]
    return list(_collect(vsphere, where, type(things[0]), paths))


def read_all(vsphere: VSphere, kind: type, *paths: str) -> list[Properties]:
    """Read properties of all objects of a kind that the account can see."""
    with _view(vsphere, kind) as view:
        through = PropertyCollector.TraversalSpec(
            name="view", path="view", skip=False, type=vim.view.ContainerView
        )
        where = PropertyCollector.ObjectSpec(obj=view, skip=True, selectSet=[through])
        return list(_collect(vsphere, [where], kind, paths))


@contextmanager
def _view(vsphere: VSphere, kind: type) -> Iterator[Any]:
    content = vsphere.content
    view = content.viewManager.CreateContainerView(content.rootFolder, [kind], True)
    try:
        yield view
    finally:
        view.Destroy()


def _collect(
    vsphere: VSphere, where: list[Any], kind: type, paths: tuple[str, ...]
) -> Iterator[Properties]:
    spec = PropertyCollector.FilterSpec(
        objectSet=where,
        propSet=[PropertyCollector.PropertySpec(type=kind, pathSet=list(paths))],
    )
    collector = vsphere.content.propertyCollector
    options = PropertyCollector.RetrieveOptions(maxObjects=_PAGE)
    page = collector.RetrievePropertiesEx([spec], options)
    while page is not None:
        yield from map(_properties, page.objects)
        page = collector.ContinueRetrievePropertiesEx(page.token) if page.token else None


def _properties(found: Any) -> Properties:
    refusals = {each.path: each.fault for each in found.missingSet}
    for fault in refusals.values():
        # an expired session is reported here, not as a fault of the call
        if isinstance(fault, vim.fault.NotAuthenticated):
            raise fault
    values = {each.name: each.val for each in found.propSet}
    return Properties(found.obj, values, refusals)
