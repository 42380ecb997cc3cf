"""A vSphere in memory, behind pyvmomi's own objects: what its SOAP stub is asked, and answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any, cast

from pyVmomi import vim, vmodl

from vncproxy.backends.vmware.connection import VSphere
from vncproxy.backends.vmware.settings import VMwareSettings

Collector = vmodl.query.PropertyCollector
SESSION = "52-session"
MOST_IN_A_PAGE = 1


def found(thing: Any, values: Mapping[str, Any], *refusals: Any) -> Any:
    """Return a property collector's answer about an object.

    Args:
        refusals: pairs of a path and the fault why it may not be read.
    """
    return Collector.ObjectContent(
        obj=thing,
        propSet=[vmodl.DynamicProperty(name=name, val=value) for name, value in values.items()],
        missingSet=[Collector.MissingProperty(path=path, fault=why) for path, why in refusals],
    )


class FakeStub:
    """Answers the methods of managed objects, in place of pyvmomi's SOAP stub.

    Attributes:
        objects: what property collectors find; one to a page, as a vCenter does with very many.
        refused: machines whose consoles the account may not open.
        fault: raised instead of an answer about privileges.
        calls: names and arguments of the methods that were called.
    """

    def __init__(self, objects: Iterable[Any] = ()) -> None:
        self.objects = list(objects)
        self.refused: list[Any] = []
        self.fault: Exception | None = None
        self.calls: list[tuple[str, list[Any]]] = []
        self._left: list[Any] = []

    def called(self, name: str) -> list[list[Any]]:
        """Return the arguments of all calls of a method."""
        return [arguments for each, arguments in self.calls if each == name]

    def InvokeMethod(self, thing: Any, info: Any, arguments: list[Any]) -> Any:
        """Answer a call; pyvmomi calls its stub by this name."""
        self.calls.append((info.wsdlName, arguments))
        return getattr(self, f"_{info.wsdlName}")(*arguments)

    def InvokeAccessor(self, thing: Any, info: Any) -> Any:
        """Return a property of a managed object; pyvmomi calls its stub by this name."""
        assert info.name == "currentSession", info.name
        return vim.UserSession(key=SESSION)

    def _CreateContainerView(self, container: Any, kinds: list[type], recursive: bool) -> Any:
        return vim.view.ContainerView("view", cast(Any, self))

    def _DestroyView(self) -> None:
        pass

    def _RetrievePropertiesEx(self, specs: list[Any], options: Any) -> Any:
        ((wanted,),) = [spec.propSet for spec in specs]
        self._left = [each for each in self.objects if isinstance(each.obj, wanted.type)]
        return self._page()

    def _ContinueRetrievePropertiesEx(self, token: str) -> Any:
        assert token == "more"
        return self._page()

    def _page(self) -> Any:
        page, self._left = self._left[:MOST_IN_A_PAGE], self._left[MOST_IN_A_PAGE:]
        if not page:
            return None
        return Collector.RetrieveResult(objects=page, token="more" if self._left else None)

    def _HasPrivilegeOnEntities(
        self, entities: list[Any], session: str, privileges: list[str]
    ) -> Any:
        if self.fault is not None:
            raise self.fault
        return [self._privileges(each, privileges) for each in entities]

    def _privileges(self, entity: Any, privileges: list[str]) -> Any:
        granted = entity not in self.refused
        return vim.AuthorizationManager.EntityPrivilege(
            entity=entity,
            privAvailability=[
                vim.AuthorizationManager.PrivilegeAvailability(privId=each, isGranted=granted)
                for each in privileges
            ],
        )


def vsphere(stub: FakeStub, settings: VMwareSettings, *, single: bool = False) -> VSphere:
    """Return a login at the vSphere behind a stub."""
    kind = "HostAgent" if single else "VirtualCenter"
    about = vim.AboutInfo(
        name="VMware vCenter Server", version="8.0.3", build="1", apiType=kind, instanceUuid=""
    )
    # ServiceContent demands every manager there is
    content = SimpleNamespace(
        about=about,
        rootFolder=vim.Folder("group-d1", cast(Any, stub)),
        viewManager=vim.view.ViewManager("ViewManager", cast(Any, stub)),
        propertyCollector=Collector("propertyCollector", cast(Any, stub)),
        sessionManager=vim.SessionManager("SessionManager", cast(Any, stub)),
        authorizationManager=vim.AuthorizationManager("AuthorizationManager", cast(Any, stub)),
    )
    return VSphere(content, cast(Any, stub), settings)
