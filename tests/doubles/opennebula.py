"""Clouds for the tests of the OpenNebula backend: daemons in memory, reached by their URL."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.components.fake_oned import FakeOned
from vncproxy.backends.opennebula.backend import OpenNebulaBackend
from vncproxy.backends.opennebula.errors import Unanswered
from vncproxy.backends.opennebula.settings import OpenNebulaSettings
from vncproxy.errors import VNCProxyError
from vncproxy.model import ConsoleEndpoint
from vncproxy.testing import FakeCalls, backend_context

T = TypeVar("T")
E = TypeVar("E", bound=VNCProxyError)

HOME = "http://one.example.com:2633/RPC2"
SESSION = "oneadmin:opennebula"


class Internet:
    """All daemons there are; what is not among them cannot be reached.

    Attributes:
        asked: the URLs that requests went to, in order.
        seconds: the time limits of the requests, in order.
    """

    def __init__(self, **daemons: FakeOned) -> None:
        self.daemons = daemons
        self.asked: list[str] = []
        self.seconds: list[float] = []

    def __call__(self, url: str, body: bytes, seconds: float) -> bytes:
        self.asked.append(url)
        self.seconds.append(seconds)
        if url not in self.daemons:
            raise Unanswered("Connection refused")
        return self.daemons[url].answer(body)


class OpenNebulaCase(SynchronousTestCase):
    """A cloud at HOME, a backend for it, and their answers."""

    def setUp(self) -> None:
        self.oned = FakeOned()
        self.internet = Internet()
        self.internet.daemons[HOME] = self.oned

    def backend(self, **table: object) -> OpenNebulaBackend:
        settings = OpenNebulaSettings.model_validate(
            {"endpoint": HOME, "session": SESSION, **table}
        )
        return OpenNebulaBackend(backend_context(settings, FakeCalls(), "one"), self.internet)

    def result(self, answer: Coroutine[Any, Any, T]) -> T:
        return self.successResultOf(Deferred.fromCoroutine(answer))

    def located(self, vm: str = "7", **table: object) -> ConsoleEndpoint:
        found = self.result(self.backend(**table).locate(vm))
        assert isinstance(found, ConsoleEndpoint)
        return found

    def failure(self, kind: type[E], vm: str = "7", **table: object) -> E:
        """Return why a machine's console cannot be located."""
        answer = Deferred.fromCoroutine(self.backend(**table).locate(vm))
        error = self.failureResultOf(answer, kind).value
        assert isinstance(error, kind)
        return error
