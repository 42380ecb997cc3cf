from __future__ import annotations

import json

from tests.doubles.api import session
from tests.doubles.cli import CommandTestCase
from vncproxy.model import Unconfirmed, VMAddress


class ListTests(CommandTestCase):
    def test_sessions_are_an_aligned_table(self) -> None:
        self.sessions.add(session("7f3a0001c44be902"))
        self.sessions.add(session("8", vm=VMAddress("esx", "a-long-name"), user="bo"))

        lines = self.output("sessions", "list").splitlines()

        self.assertEqual(
            lines,
            [
                "ID                VM               USER   MODE     TYPE   CLIENT     STARTED"
                "               FOR  DOWN     UP",
                "7f3a0001c44be902  kvm/web-01       alice  control  novnc  192.0.2.1  "
                "2026-01-02T03:04:05Z  12s  4.9 KiB  70 B",
                "8                 esx/a-long-name  bo     control  novnc  192.0.2.1  "
                "2026-01-02T03:04:05Z  12s  4.9 KiB  70 B",
            ],
        )

    def test_session_without_a_token_yet_has_dashes(self) -> None:
        self.sessions.add(session("1", vm=None, user=""))

        row = self.output("sessions", "list").splitlines()[1].split()

        self.assertEqual(row[:3], ["1", "-", "-"])

    def test_no_sessions_are_told_in_words(self) -> None:
        self.assertEqual(self.output("sessions", "list"), "no sessions are open\n")

    def test_criteria_choose(self) -> None:
        self.sessions.add(session("1", user="alice"))
        self.sessions.add(session("2", user="bob"))

        self.assertIn("bob", self.output("sessions", "list", "--user", "bob"))
        self.assertNotIn("alice", self.output("sessions", "list", "--user", "bob"))
        self.assertEqual(
            self.output("sessions", "list", "--user", "eve"), "no such sessions are open\n"
        )

    def test_more_than_the_limit_is_told(self) -> None:
        for number in "123":
            self.sessions.add(session(number))

        result = self.run_command("sessions", "list", "--limit", "2")

        self.assertEqual(len(result.stdout.splitlines()), 3)
        self.assertEqual(result.stderr, "there are more than 2\n")

    def test_json_is_a_list(self) -> None:
        self.sessions.add(session("1"))

        shown = json.loads(self.output("sessions", "list", "--json"))

        self.assertEqual([s["id"] for s in shown], ["1"])


class ChangeTests(CommandTestCase):
    def test_a_user_only_views_from_now_on_and_controls_again(self) -> None:
        self.sessions.add(session("1"))

        self.assertEqual(
            self.output("sessions", "change", "1", "view-only"),
            "session 1 is view-only now; its page enters again, as a session with another ID\n",
        )
        self.assertEqual(
            self.output("sessions", "change", "1", "control"), "session 1 is control now\n"
        )

    def test_json_is_the_answer(self) -> None:
        self.sessions.add(session("1"))

        answer = json.loads(self.output("sessions", "change", "1", "control", "--json"))

        self.assertEqual(answer, {"mode": "control", "reenters": False})

    def test_a_process_that_does_not_answer_is_named_and_nothing_is_claimed(self) -> None:
        self.sessions.add(session("1"))
        self.sessions.silent = (Unconfirmed("a" * 16, "north", "b" * 16),)

        result = self.run_command("sessions", "change", "1", "view-only")

        self.assertEqual(result.stdout, "")
        self.assertIn("north", result.stderr)


class EndTests(CommandTestCase):
    def test_session_is_ended(self) -> None:
        self.sessions.add(session("1"))

        self.assertEqual(
            self.output("sessions", "end", "1"),
            "ended session 1; its user can come back by reloading the page, unless you --revoke "
            "its token\n",
        )
        self.assertEqual(self.sessions.live, {})

    def test_its_token_is_revoked(self) -> None:
        token = json.loads(self.output("token", "issue", "kvm/web-01", "--user", "alice", "--json"))
        self.sessions.add(session("1", token_id=token["id"]))
        self.sessions.add(session("2", token_id="cd" * 32))

        self.assertEqual(
            self.output("sessions", "end", "1", "--revoke"),
            "ended session 1 and revoked its token\n",
        )
        self.assertEqual(
            self.output("sessions", "end", "2", "--revoke"),
            "ended session 2; its token could not be revoked: another issuer's, or gone already\n",
        )

    def test_json_is_the_answer(self) -> None:
        self.sessions.add(session("1"))

        self.assertEqual(json.loads(self.output("sessions", "end", "1", "--json")), {"ended": 1})

    def test_unknown_session_is_a_failure(self) -> None:
        self.assertFails(self.run_command("sessions", "end", "1"), 1, "no such session")

    def test_sessions_are_ended_by_criteria(self) -> None:
        self.sessions.add(session("1", user="alice"))
        self.sessions.add(session("2", user="bob"))
        self.sessions.add(session("3", user="bob"))

        self.assertEqual(self.output("sessions", "end", "--user", "bob"), "ended 2 sessions\n")
        self.assertEqual(list(self.sessions.live), ["1"])

    def test_criteria_and_an_id_exclude_each_other(self) -> None:
        for words in ((), ("1", "--user", "bob"), ("--user", "bob", "--revoke")):
            self.assertEqual(self.run_command("sessions", "end", *words).exit_code, 2)

    def test_a_process_that_does_not_confirm_is_named(self) -> None:
        self.sessions.add(session("1"))
        self.sessions.silent = (Unconfirmed("p", "north", "w"),)

        result = self.run_command("sessions", "end", "--vm", "kvm/web-01")

        self.assertEqual((result.exit_code, result.stdout), (0, "ended 1 session\n"))
        self.assertIn("proxy north (process w) has not confirmed yet", result.stderr)


class ShowTests(CommandTestCase):
    def test_a_session_is_shown(self) -> None:
        self.sessions.add(session("1"))

        shown = self.output("sessions", "show", "1").splitlines()

        self.assertIn("vm:         kvm/web-01", shown)
        self.assertIn("bytes_down: 4.9 KiB", shown)
        self.assertIn("zone:       -", shown)

    def test_an_unknown_one_is_a_failure(self) -> None:
        self.assertFails(self.run_command("sessions", "show", "1"), 1, "no such session")
