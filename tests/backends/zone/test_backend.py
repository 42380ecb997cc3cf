"""The backend of a zone, as far as it asks nothing of it."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from tests.backends.zone.test_settings import ASKED, ASKING
from vncproxy.backends import new_context
from vncproxy.backends.zone import ZoneBackend, ZoneSettings
from vncproxy.errors import (
    ConfigurationError,
    ConsoleUnavailable,
    UpstreamClosed,
    UpstreamRefused,
    UpstreamUntrusted,
    VNCProxyError,
    ZoneDraining,
    ZoneError,
    ZoneLoop,
    ZoneSays,
    ZoneUntrusted,
)
from vncproxy.model import Journey, Policy


class BackendTests(SynchronousTestCase):
    def backend(self, table: Any = ASKING) -> ZoneBackend:
        reactor, settings = MemoryReactorClock(), ZoneSettings.model_validate(table)
        calls: Any = None
        return ZoneBackend(new_context(ZoneBackend, "madrid", settings, calls, reactor, "paris"))

    def failure(self, *via: str, table: Any = ASKING) -> VNCProxyError:
        journey = Journey("7f3a", "alice", "192.0.2.1", Policy(), via)
        asking = self.backend(table).request_console("kvm/web-01", journey)
        error: VNCProxyError = self.failureResultOf(Deferred.fromCoroutine(asking)).value
        return error

    def test_a_zone_that_the_session_has_passed_is_not_asked(self) -> None:
        error = self.failure("madrid")
        self.assertIs(type(error), ZoneLoop)
        self.assertIn("madrid -> paris -> madrid", error.detail)

    def test_a_zone_that_only_asks_is_not_asked(self) -> None:
        error = self.failure(table=ASKED)
        self.assertIs(type(error), ConfigurationError)
        self.assertIn("[zones.madrid] has no api", error.detail)

    def test_what_a_refusal_means(self) -> None:
        shut_off = UpstreamRefused("refused", reason="The virtual machine is shut off. (id 1)")
        shut_off.peer_close = 4100
        unknown = UpstreamRefused("refused", reason="Something else.")
        for refusal, kind, sentence in (
            (
                shut_off,
                ConsoleUnavailable,
                "The zone madrid says: The virtual machine is shut off. (id 1)",
            ),
            (unknown, ZoneSays, "The zone madrid says: Something else."),
            (
                UpstreamRefused("web socket answered with 503", http_status=503),
                ZoneDraining,
                "The zone madrid takes no new consoles at the moment. Try again in a moment.",
            ),
            (
                UpstreamUntrusted("its authority is not trusted"),
                ZoneUntrusted,
                "The zone madrid could not prove its identity.",
            ),
            (UpstreamClosed("x"), ZoneError, "The zone madrid could not show the console."),
        ):
            with self.subTest(sentence=sentence):
                error = self.backend().explain(refusal)
                self.assertIs(type(error), kind)
                self.assertEqual(error.sentence(), sentence)
