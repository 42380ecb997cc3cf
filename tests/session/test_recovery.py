"""Backends with the interfaces of old are asked as those of today are."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from vncproxy.errors import ConsoleUnavailable, UpstreamClosed, UpstreamViolation, VNCProxyError
from vncproxy.interfaces import IConsoleMoves, IConsoleRecovery, IConsoleRefusals
from vncproxy.model import ConsoleEndpoint, Transport
from vncproxy.session.recovery import recovery_of
from vncproxy.testing import StaticConsoles

THERE = ConsoleEndpoint(Transport.TCP, host="192.0.2.11", port=5900)
REFUSAL = UpstreamClosed("closed")

T = TypeVar("T")


async def _result(answer: Awaitable[T]) -> T:
    return await answer


def deferred(answer: Awaitable[T]) -> Deferred[T]:
    return Deferred.fromCoroutine(_result(answer))


@implementer(IConsoleRefusals)
class Refusals(StaticConsoles):
    """A backend of before 0.1 that knows what refusals mean."""

    async def relocate(self, vm: str, refusal: UpstreamViolation) -> ConsoleEndpoint:
        return THERE

    def explain(self, refusal: UpstreamViolation) -> VNCProxyError:
        return ConsoleUnavailable("being moved")


@implementer(IConsoleMoves)
class Moves(StaticConsoles):
    """A backend of before 0.1 whose machines move."""

    async def whereabouts(self, vm: str) -> str:
        return "192.0.2.11"


class RecoveryTests(SynchronousTestCase):
    def recovery(self, backend: StaticConsoles) -> IConsoleRecovery:
        found = recovery_of(backend)
        assert found is not None
        self.assertTrue(verifyObject(IConsoleRecovery, found))
        return found

    def test_a_backend_without_any_of_them_tells_nothing(self) -> None:
        self.assertIsNone(recovery_of(StaticConsoles()))
        self.assertIsNone(recovery_of(None))

    def test_one_with_refusals_relocates_and_explains(self) -> None:
        recovery = self.recovery(Refusals())

        relocated = deferred(recovery.relocate("web", REFUSAL))

        self.assertEqual(self.successResultOf(relocated), THERE)
        self.assertIsInstance(recovery.explain(REFUSAL), ConsoleUnavailable)
        host = deferred(recovery.current_host("web"))
        self.assertEqual(self.successResultOf(host), "")

    def test_one_with_moves_knows_the_host_and_leaves_refusals_as_they_are(self) -> None:
        recovery = self.recovery(Moves())

        host = deferred(recovery.current_host("web"))

        self.assertEqual(self.successResultOf(host), "192.0.2.11")
        self.assertIs(recovery.explain(REFUSAL), REFUSAL)
        relocated = deferred(recovery.relocate("web", REFUSAL))
        self.assertIs(self.failureResultOf(relocated, UpstreamClosed).value, REFUSAL)
