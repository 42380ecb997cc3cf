"""A worker in which an order of its supervisor raises."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

from twisted.internet.defer import succeed
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.config.settings import Listen
from vncproxy.supervisor import orders


class Channel:
    """Keeps what the worker sends."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def send_message(self, **message: Any) -> None:
        self.sent.append(message)


class DefectTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.gateway = Mock(running=False)
        self.patch(orders, "make_service", lambda *_, **__: self.gateway)
        self.patch(orders, "configuration_digest", lambda _: "")
        self.patch(orders, "longest_stop", lambda _: 1.0)
        self.patch(orders, "use_monotonic_clock", lambda _: None)
        self.reactor = MemoryReactorClock()
        listen = Listen(web=(), xvp=(), api=())
        options: Any = SimpleNamespace(
            checked=SimpleNamespace(listen=listen), settings=None, text=b""
        )
        self.orders = orders.Orders(options, Mock(), self.reactor)
        channel: Any = Channel()
        self.sent: list[dict[str, Any]] = channel.sent
        self.orders.channel = channel

    def test_one_that_cannot_listen_ends(self) -> None:
        self.gateway.privilegedStartService.side_effect = OSError(24, "Too many open files")

        self.orders.obey({"do": "serve"})

        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        self.assertTrue(self.reactor.hasStopped)

    def test_one_that_cannot_apply_answers(self) -> None:
        prepared = Mock()
        prepared.apply.side_effect = KeyError("x")
        self.gateway.prepare_reload.return_value = succeed(prepared)
        settings = self.gateway.settings
        settings.proxy.worker_count.return_value = 1

        self.orders.obey({"do": "prepare", "id": 3, "text": ""})
        self.orders.obey({"do": "apply", "id": 3})

        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
        answer = self.sent[-1]
        self.assertEqual((answer["is"], answer["id"]), ("applied", 3))
        self.assertEqual(answer["errors"], ["a defect: KeyError"])
