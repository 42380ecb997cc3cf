"""pyvmomi's SOAP stub with verified TLS and with time limits that end every wait on a socket.

Everything here blocks; it is called in a thread. Needs the extra ``vncproxy[vmware]``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPSConnection
from typing import Any
from xml.etree import ElementTree

from pyVmomi.SoapAdapter import SoapStubAdapter
from pyVmomi.VmomiSupport import GetServiceVersions, versionIdMap

from ...errors import BackendError
from ..tls_context import Context

_NAMESPACE = "vim25"
_VERSIONS = "/sdk/vimServiceVersions.xml"
_LONGEST_DOCUMENT = 1 << 20


class TimeLeft(threading.local):
    """The time for which the thread may still wait; no limit outside of ``within``."""

    end = float("inf")

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Limit everything that this thread does inside the block."""
        self.end, before = min(self.end, time.monotonic() + seconds), self.end
        try:
            yield
        finally:
            self.end = before

    def seconds(self) -> float:
        """Return what is left, for a socket.

        Raises:
            TimeoutError: nothing is left.
        """
        left = self.end - time.monotonic()
        if left <= 0:
            raise TimeoutError("no time left")
        return min(left, threading.TIMEOUT_MAX)


class Stub(SoapStubAdapter):
    """The connections of one login, shared by threads.

    Args:
        version: pyvmomi's name of the API version to speak.
    """

    def __init__(
        self, host: str, port: int, version: str, context: Context, time_left: TimeLeft
    ) -> None:
        super().__init__(host=host, port=port, version=version, sslContext=context)
        self._time_left = time_left
        self.scheme: Any = self._connection

    def GetConnection(self) -> HTTPSConnection:
        """Return an idle connection or a new one, which waits no longer than the thread may."""
        connection: HTTPSConnection = super().GetConnection()
        # for a connection that is opened again, and for the open one
        connection.timeout = self._time_left.seconds()
        if connection.sock:
            connection.sock.settimeout(connection.timeout)
        return connection

    def _connection(self, **kwargs: Any) -> HTTPSConnection:
        return HTTPSConnection(**{**kwargs, "timeout": self._time_left.seconds()})


def newest_version(host: str, port: int, context: Context, time_left: TimeLeft) -> str:
    """Return pyvmomi's name of the newest API version that it has in common with the server.

    Raises:
        BackendError: there is none.
        OSError, HTTPException: the server cannot be asked.
    """
    connection = HTTPSConnection(host, port, context=context, timeout=time_left.seconds())
    try:
        connection.request("GET", _VERSIONS)
        response = connection.getresponse()
        if response.status == 503:
            raise HTTPException(f"{response.status} {response.reason}")
        document = response.read(_LONGEST_DOCUMENT) if response.status == 200 else b""
    finally:
        connection.close()
    offered = api_versions(document)
    for name in GetServiceVersions(_NAMESPACE):
        if versionIdMap[name] in offered:
            return str(name)
    raise BackendError("no vSphere API answers there")


def api_versions(document: bytes) -> set[str]:
    """Read vimServiceVersions.xml: the newest version of a namespace, and those before it."""
    try:
        root = ElementTree.fromstring(document)  # noqa: S314
    except ElementTree.ParseError:
        return set()
    return {
        version.text
        for namespace in root.iterfind("namespace")
        if namespace.findtext("name") == f"urn:{_NAMESPACE}"
        for version in namespace.iter("version")
        if version.text
    }
