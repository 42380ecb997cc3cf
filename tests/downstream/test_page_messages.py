"""Messages between a session and its page, on the web socket of the console."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred, succeed

from tests.doubles.frames import BINARY, CLOSE, TEXT, masked
from tests.doubles.users import upgrade
from tests.doubles.websocket_users import OWN, WebSocketTestCase
from vncproxy.errors import OverLimit
from vncproxy.model import Messaged
from vncproxy.session.page import MOST_AT_A_TIME
from vncproxy.session.state import SessionState

Answer = Mapping[str, Any]


class PageMessageTests(WebSocketTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.late: list[Deferred[Answer]] = []
        requests = {"double": double, "refuse": refuse, "fail": fail, "wait": self.wait_for_it}
        self.sessions.services = replace(self.sessions.services, page_requests=requests)
        self.open("talks=1")

    def open(self, more: str) -> None:
        self.browse(upgrade(f"/websockify?token={self.issue()}&{more}", "Origin: " + OWN))
        self.greet()
        self.hypervisor.receive()
        self.session = self.sessions.snapshot()[-1]
        self.browser.control.clear()

    def wait_for_it(self, session: SessionState, message: Answer) -> Awaitable[Answer]:
        self.late.append(Deferred())
        return self.late[-1]

    def send(self, text: object) -> None:
        data = text if isinstance(text, str) else json.dumps(text)
        self.peer.send(masked(TEXT, data.encode()))

    def told(self) -> list[Any]:
        """Return what the page has been told, and forget it."""
        self.browser.receive()
        texts = [data.decode() for head, data in self.browser.control if head == TEXT]
        self.browser.control.clear()
        return [json.loads(text.removeprefix("vncproxy:")) for text in texts]

    def test_a_page_is_told_something(self) -> None:
        self.assertTrue(self.session.tell_page("time", seconds=60))
        self.assertEqual(self.told(), [{"event": "time", "seconds": 60}])

    def message(self, text: str) -> Messaged:
        sending = Deferred.fromCoroutine(self.sessions.message(self.session.id, text, "key desk"))
        return self.successResultOf(sending)

    def test_a_page_is_sent_a_message_of_the_operator(self) -> None:
        text = "<b>18:00</b> \u05e9\u05dc\u05d5\u05dd"
        self.assertEqual(self.message(text), Messaged(known=True, shown=True))
        self.assertEqual(self.told(), [{"event": "message", "text": text}])

    def test_a_message_to_a_page_that_does_not_read_or_has_ended_is_not_shown(self) -> None:
        assert self.session.legs is not None
        self.session.legs[0].pauseProducing()
        self.assertEqual(self.message("late"), Messaged(known=True, shown=False))

        self.session.cancel(OverLimit("full"))
        self.assertEqual(self.message("later"), Messaged(known=False))

    def test_a_page_that_does_not_talk_is_told_nothing(self) -> None:
        self.peer.close()
        self.open("moves=1")

        self.assertFalse(self.session.tell_page("time", seconds=60))
        self.assertEqual(self.told(), [])
        self.send({"ask": "double", "id": 1})
        self.assertTrue(self.peer.disconnecting)

    def test_a_request_is_answered_and_reaches_no_console(self) -> None:
        self.browser.send(b"a key")
        self.send({"ask": "double", "id": 7, "number": 21})

        self.assertEqual(self.told(), [{"id": 7, "number": 42}])
        self.assertEqual(self.hypervisor.receive(), b"a key")

    def test_a_refusal_has_its_code_and_a_sentence(self) -> None:
        self.send({"ask": "refuse", "id": 1})

        (answer,) = self.told()
        self.assertEqual((answer["id"], answer["error"]["code"]), (1, "over-limit"))
        self.assertIn(self.session.id, answer["error"]["message"])

    def test_a_defect_is_logged_and_not_shown(self) -> None:
        self.send({"ask": "fail", "id": 1})

        self.assertEqual([str(e.value) for e in self.flushLoggedErrors(KeyError)], ["'secret'"])
        self.assertNotIn("secret", str(self.told()))

    def test_what_is_not_understood(self) -> None:
        unknown, listed = {"ask": "no such", "id": 1}, {"ask": ["double"], "id": 1}
        texts: Sequence[object] = "", "[]", "{", '"ask"', "{}", "[" * 4000, unknown, listed
        for text in (*texts, {"ask": "double", "id": "1"}):
            self.send(text)
            (answer,) = self.told()
            self.assertEqual(answer["error"]["code"], "bad-request", text)
        self.browser.send(b"a key")
        self.assertEqual(self.hypervisor.receive(), b"a key")

    def test_a_few_are_answered_at_a_time(self) -> None:
        for number in range(MOST_AT_A_TIME + 1):
            self.send({"ask": "wait", "id": number})

        (busy,) = self.told()
        self.assertEqual((busy["id"], busy["error"]["code"]), (MOST_AT_A_TIME, "busy"))
        for late in self.late:
            late.callback({})
        self.assertEqual([each["id"] for each in self.told()], list(range(MOST_AT_A_TIME)))
        self.send({"ask": "double", "id": 9, "number": 1})
        self.assertEqual(self.told(), [{"id": 9, "number": 2}])

    def test_a_page_that_does_not_read_costs_no_memory(self) -> None:
        assert self.session.legs is not None
        self.session.legs[0].pauseProducing()

        self.send({"ask": "double", "id": 1, "number": 1})
        self.session.tell_page("time", seconds=60)

        self.assertEqual(self.told(), [])

    def test_an_answer_after_the_end_is_dropped(self) -> None:
        self.send({"ask": "wait", "id": 1})
        self.peer.send(masked(CLOSE))
        self.late[0].callback({})

        self.assertEqual(self.told(), [])
        self.assertFalse(self.session.tell_page("time", seconds=60))

    def test_a_text_between_the_fragments_of_a_message_ends_the_session(self) -> None:
        fragment = bytearray(masked(BINARY, b"a"))
        fragment[0] &= 0x7F
        self.peer.send(bytes(fragment))
        self.send({"ask": "double", "id": 1, "number": 1})

        self.assertTrue(self.peer.disconnecting)


def double(session: SessionState, message: Answer) -> Awaitable[Answer]:
    return succeed({"number": 2 * message["number"]})


async def refuse(session: SessionState, message: Answer) -> Answer:
    raise OverLimit("too many")


async def fail(session: SessionState, message: Answer) -> Answer:
    raise KeyError("secret")
