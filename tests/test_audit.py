"""One JSON line for each refusal, opening and closing."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from vncproxy.audit import AuditLog
from vncproxy.errors import (
    BackendError,
    ClientGone,
    ConnectionLost,
    TokenRevoked,
    TokenUsed,
    VNCProxyError,
)
from vncproxy.interfaces import ISessionObserver
from vncproxy.model import ConsoleType, SessionInfo, VMAddress

NOW = 1_767_323_045.0625
SESSION = SessionInfo(
    id="7f3a0001",
    type=ConsoleType.NOVNC,
    client="192.0.2.1",
    started_at=NOW - 12,
    token_id="0123456789abcdef" * 4,
    vm=VMAddress("kvm", "web-01"),
    user="alice",
    seconds=12.34567,
    bytes_down=5000,
    bytes_up=70,
    host="hv1.example.com",
)
UNKNOWN = SessionInfo("7f3a0002", ConsoleType.XVPVNC, "192.0.2.1", NOW)


class AuditLogTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.file = io.StringIO()
        self.audit = AuditLog("proxy-1", lambda: NOW, self.file)

    def line(self) -> dict[str, Any]:
        """Return the only line."""
        text = self.file.getvalue()
        self.assertTrue(text.endswith("\n"))
        self.assertEqual(len(text.splitlines()), 1, text)
        parsed: dict[str, Any] = json.loads(text)
        return parsed

    def test_it_is_an_observer(self) -> None:
        verifyObject(ISessionObserver, self.audit)

    def test_an_opening(self) -> None:
        self.audit.opened(SESSION)

        self.assertEqual(
            self.line(),
            {
                "time": "2026-01-02T03:04:05.062+00:00",
                "event": "open",
                "session": "7f3a0001",
                "proxy": "proxy-1",
                "client": "192.0.2.1",
                "type": "novnc",
                "vm": "kvm/web-01",
                "user": "alice",
                "token": "0123456789ab",
                "host": "hv1.example.com",
                "seconds": 12.346,
            },
        )

    def test_a_closing(self) -> None:
        self.audit.closed(SESSION, ClientGone("closed by the peer"))

        line = self.line()
        self.assertEqual((line["event"], line["reason"]), ("close", "client-gone"))
        self.assertEqual(line["detail"], "closed by the peer")
        self.assertEqual((line["bytes_down"], line["bytes_up"]), (5000, 70))
        self.assertEqual((line["host"], line["side"]), ("hv1.example.com", None))

    def test_a_side_that_was_lost(self) -> None:
        self.audit.closed(replace(SESSION, side="upstream"), ConnectionLost("reset"))

        self.assertEqual(self.line()["side"], "upstream")

    def test_whose_token_was_refused_as_far_as_it_is_known(self) -> None:
        self.audit.refused(UNKNOWN, TokenUsed("x").about(VMAddress("kvm", "web-01"), "alice"))

        line = self.line()
        self.assertEqual((line["vm"], line["user"]), ("kvm/web-01", "alice"))

    def test_a_token_that_was_revoked_while_its_console_was_opened(self) -> None:
        self.audit.refused(SESSION, TokenRevoked("x"))

        self.assertEqual(self.line()["vm"], "kvm/web-01")

    def test_a_refusal_has_the_detail_that_the_user_was_not_told(self) -> None:
        self.audit.refused(SESSION, BackendError("libvirt: no route to host"))

        line = self.line()
        self.assertEqual((line["event"], line["reason"]), ("refuse", "backend-error"))
        self.assertEqual(line["detail"], "libvirt: no route to host")

    def test_what_is_not_known_is_null(self) -> None:
        self.audit.refused(UNKNOWN, TokenUsed())

        line = self.line()
        self.assertEqual((line["vm"], line["user"], line["token"]), (None, None, None))
        self.assertEqual((line["type"], line["reason"]), ("xvpvnc", "token-used"))

    def test_nothing_can_begin_a_line_of_its_own(self) -> None:
        for text in ('x\n{"event":"open"}', "x\r\ny", "x\x85y", "x\u2028y", "x\u2029y", "x\x0by"):
            self.setUp()
            named = replace(SESSION, user=text, vm=VMAddress("kvm", text))

            self.audit.refused(named, BackendError(text))

            self.assertEqual(self.line()["user"], text)

    def test_any_text_can_be_written(self) -> None:
        raw = io.BytesIO()
        self.audit = AuditLog("p", lambda: NOW, io.TextIOWrapper(raw, encoding="utf-8"))
        for text in ("Jörg 日本", "\ud800", "\x00\x1b[31m"):
            self.audit.refused(replace(SESSION, user=text), VNCProxyError(text))

        users = [json.loads(line)["user"] for line in raw.getvalue().splitlines()]

        self.assertEqual(users, ["Jörg 日本", "\ud800", "\x00\x1b[31m"])

    def test_without_a_file_it_is_the_ordinary_log(self) -> None:
        self.audit = AuditLog("proxy-1", lambda: NOW)

        with capturedLogs() as events:
            self.audit.opened(replace(SESSION, user="{braces} %s"))

        (event,) = events
        self.assertEqual(event["log_namespace"], "vncproxy.audit.AuditLog")
        self.assertEqual(json.loads(event["audit"])["user"], "{braces} %s")

    def test_only_the_beginning_of_a_tokens_id_is_written(self) -> None:
        self.audit.opened(SESSION)

        self.assertNotIn(SESSION.token_id[:13], self.file.getvalue())
