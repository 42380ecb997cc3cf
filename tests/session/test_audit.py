"""One JSON line for each refusal, opening and closing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from vncproxy.errors import (
    BackendError,
    ClientGone,
    ConnectionLost,
    TokenRevoked,
    TokenUsed,
    VNCProxyError,
)
from vncproxy.interfaces import ISessionObserver
from vncproxy.model import ConsoleType, Mode, SessionInfo, VMAddress
from vncproxy.session.audit import AuditLog, open_audit_file

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


class AuditCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        self.clock = Clock()
        self.audit = self.make()
        self.addCleanup(self.audit.close)

    def make(self, proxy: str = "proxy-1") -> AuditLog:
        return AuditLog(proxy, lambda: NOW, self.clock, open_audit_file(str(self.path)))


class AuditLogTests(AuditCase):
    def line(self) -> dict[str, Any]:
        """Return the only line."""
        text = self.path.read_bytes().decode()
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
                "mode": "control",
            },
        )

    def test_a_change_of_the_mode_and_by_whom(self) -> None:
        self.audit.changed(replace(SESSION, mode=Mode.VIEW_ONLY), "key desk")

        line = self.line()
        self.assertEqual(
            (line["event"], line["mode"], line["by"]), ("change", "view-only", "key desk")
        )
        self.assertEqual(line["session"], SESSION.id)

    def test_a_mode_that_overrides_the_policy_stands_beside_it(self) -> None:
        info = replace(SESSION, mode=Mode.CONTROL, policy_mode=Mode.VIEW_ONLY)
        self.audit.opened(info)
        line = self.line()
        self.assertEqual((line["mode"], line["policy"]), ("control", "view-only"))

    def test_a_mode_of_the_policy_stands_alone(self) -> None:
        self.audit.opened(replace(SESSION, policy_mode=Mode.CONTROL))
        self.assertNotIn("policy", self.line())

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
        for text in ("Jörg 日本", "\ud800", "\x00\x1b[31m"):
            self.audit.refused(replace(SESSION, user=text), VNCProxyError(text))

        users = [json.loads(line)["user"] for line in self.path.read_bytes().splitlines()]

        self.assertEqual(users, ["Jörg 日本", "\ud800", "\x00\x1b[31m"])

    def test_without_a_file_it_is_the_ordinary_log(self) -> None:
        self.audit.write_to(None)

        with capturedLogs() as events:
            self.audit.opened(replace(SESSION, user="{braces} %s"))

        (event,) = events
        self.assertEqual(event["log_namespace"], "vncproxy.session.audit.AuditLog")
        self.assertEqual(json.loads(event["audit"])["user"], "{braces} %s")

    def test_only_the_beginning_of_a_tokens_id_is_written(self) -> None:
        self.audit.opened(SESSION)

        self.assertNotIn(SESSION.token_id[:13], self.path.read_text())


class KilledTests(AuditCase):
    """Sessions that a process had open when it was killed are closed by the next."""

    def kill(self) -> None:
        """Let go of the journal as a process does that is killed: without a word."""
        assert self.audit._journal is not None
        self.audit._journal._file.close()
        self.audit._journal = None

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text().splitlines()]

    def test_what_was_open_is_closed_as_lost(self) -> None:
        self.audit.opened(SESSION)
        self.audit.opened(replace(SESSION, id="7f3a0003"))
        self.audit.closed(SESSION, ClientGone())
        self.kill()

        self.make("proxy-2")

        line = self.lines()[-1]
        self.assertEqual(len(self.lines()), 4)
        self.assertEqual(
            [line[name] for name in ("event", "session", "reason", "proxy", "host", "vm", "user")],
            ["close", "7f3a0003", "lost", "proxy-1", "hv1.example.com", "kvm/web-01", "alice"],
        )
        self.assertEqual((line["seconds"], line["bytes_down"], line["side"]), (None, None, None))

    def test_it_is_closed_once(self) -> None:
        self.audit.opened(SESSION)
        self.kill()
        for _ in range(3):
            self.audit = self.make()
            self.kill()

        self.assertEqual([line["event"] for line in self.lines()], ["open", "close"])

    def test_sessions_of_a_process_that_lives_stay_open(self) -> None:
        self.audit.opened(SESSION)

        other = self.make("proxy-2")
        self.addCleanup(other.close)
        other.opened(replace(SESSION, id="7f3a0003"))
        self.kill()
        third = self.make("proxy-3")
        self.addCleanup(third.close)

        closed = [line["session"] for line in self.lines() if line["event"] == "close"]
        self.assertEqual(closed, ["7f3a0001"])

    def test_a_file_that_is_opened_again_keeps_them(self) -> None:
        self.audit.opened(SESSION)
        self.path.rename(f"{self.path}.1")
        self.audit.write_to(open_audit_file(str(self.path)))
        self.kill()

        self.make()

        self.assertEqual([line["reason"] for line in self.lines()], ["lost"])

    def test_another_file_takes_them_along(self) -> None:
        self.audit.opened(SESSION)
        self.path = Path(self.mktemp())
        self.audit.write_to(open_audit_file(str(self.path)))
        self.kill()

        self.make()

        self.assertEqual([line["reason"] for line in self.lines()], ["lost"])

    def test_a_folder_that_cannot_be_written_is_logged(self) -> None:
        Path(f"{self.path}.open").unlink()
        Path(f"{self.path}.open").mkdir()
        self.kill()

        with capturedLogs() as events:
            audit = self.make()
        audit.opened(SESSION)
        audit.closed(SESSION, ClientGone())

        self.assertIn("cannot be used", events[0]["log_format"])
        self.assertEqual(len(self.lines()), 2)
