"""Sessions that were there before a reload took their backend away, or changed it."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Awaitable
from dataclasses import replace

from twisted.internet.defer import Deferred

from tests.doubles.sessions import GREETING, VIEWER_RECEIVES, MovedAway, SessionTestCase
from vncproxy.errors import ConsoleEnded, OverLimit, VMNotFound
from vncproxy.model import ConsoleEndpoint, Limits, Transport


class Slow:
    """A backend that answers when a test decides so."""

    def __init__(self) -> None:
        self.answer: Deferred[ConsoleEndpoint] = Deferred()

    def locate(self, vm: str) -> Awaitable[ConsoleEndpoint]:
        return self.answer


class ReloadedTests(SessionTestCase):
    def reload(self, **changes: object) -> None:
        """Do what a reload does to sessions: put other services in place."""
        self.sessions.services = replace(self.sessions.services, **changes)  # type: ignore[arg-type]

    def test_one_that_is_opening_opens_although_its_backend_is_gone(self) -> None:
        slow = Slow()
        self.serve(backends={"kvm": slow})
        self.begin()

        self.reload(backends={})
        slow.answer.callback(ConsoleEndpoint(Transport.TCP, "192.0.2.10", 5900))
        self.console()
        self.user.peer.send(GREETING)

        self.assertEqual(self.user.peer.receive(), VIEWER_RECEIVES)
        self.assertEqual(len(self.observer.openings), 1)

    def test_one_that_is_open_goes_on_and_a_new_one_is_refused(self) -> None:
        self.open()

        self.reload(backends={})

        self.user.peer.send(b"key")
        self.assertEqual(self.hypervisor.receive(), b"key")
        self.begin(user=type(self.user)(self))
        self.assertIsInstance(self.observer.refusals[0][1], VMNotFound)

    def test_a_backend_that_is_gone_is_not_asked_why_a_console_ended(self) -> None:
        gone = MovedAway()
        self.serve(backends={"kvm": gone})
        self.open()

        self.reload(backends={})
        self.hypervisor.close()

        self.closed(ConsoleEnded)

    def test_new_limits_count_at_once(self) -> None:
        self.open()

        self.reload(limits=Limits(sessions=1))

        self.begin(user=type(self.user)(self))
        self.assertIsInstance(self.observer.refusals[0][1], OverLimit)

    def test_an_open_one_keeps_nothing_of_what_was_before(self) -> None:
        old = MovedAway()
        self.serve(backends={"kvm": old})
        self.open()
        kept = weakref.ref(old)

        self.reload(backends={})
        del old
        gc.collect()

        self.assertIsNone(kept())
