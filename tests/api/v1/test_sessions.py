from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.doubles.api import NOW, ApiTestCase, session
from vncproxy.api import Scope
from vncproxy.errors import EndedByAdministrator, ModeFixed, SessionEnded
from vncproxy.model import (
    Border,
    ConsoleType,
    Ended,
    JoinKind,
    Joins,
    Mode,
    Unconfirmed,
    VMAddress,
)

MAIL = VMAddress("esx", "mail")


class ListTests(ApiTestCase):
    def test_session_is_described(self) -> None:
        self.sessions.add(session())

        (shown,) = self.call("GET", "/v1/sessions").body["sessions"]

        self.assertEqual(
            shown,
            {
                "id": "7f3a0001",
                "token_id": "ab" * 32,
                "vm": "kvm/web-01",
                "user": "alice",
                "type": "novnc",
                "client": "192.0.2.1",
                "proxy": "proxy-1",
                "zone": None,
                "host": "192.0.2.10",
                "mode": "control",
                "started_at": "2026-01-02T03:04:05Z",
                "seconds": 12.3,
                "bytes_down": 5000,
                "bytes_up": 70,
                "state": "open",
                "approval": None,
            },
        )

    def test_a_session_across_a_border_has_the_zones(self) -> None:
        self.sessions.add(session("here"))
        self.sessions.add(session("there", border=Border(to_zone="madrid", to_session="91")))
        self.sessions.add(session("visitor", border=Border("paris", "17")))
        for query, expected in (
            ("to_zone=madrid", [("there", {"to_zone": "madrid", "to_session": "91"})]),
            ("from_zone=paris", [("visitor", {"from_zone": "paris", "from_session": "17"})]),
            ("from_zone=paris&to_zone=madrid", []),
        ):
            shown = self.call("GET", f"/v1/sessions?{query}").body["sessions"]
            more = [{n: s[n] for n in s if n.startswith(("from_", "to_"))} for s in shown]
            found = [(s["id"], each) for s, each in zip(shown, more, strict=True)]
            self.assertEqual((query, found), (query, expected))
        answer = self.call("GET", "/v1/sessions?to_zone=a/b")
        self.assertRefused(answer, 422, "invalid-field", "zone")
        answer = self.call("DELETE", "/v1/sessions?to_zone=madrid")
        self.assertRefused(answer, 400, "bad-request", "to_zone")

    def test_oldest_session_comes_first(self) -> None:
        self.sessions.add(session("young", started_at=NOW))
        self.sessions.add(session("old", started_at=NOW - 60))

        shown = self.call("GET", "/v1/sessions").body["sessions"]

        self.assertEqual([s["id"] for s in shown], ["old", "young"])

    def test_session_before_its_token_is_redeemed_has_nulls(self) -> None:
        self.sessions.add(session(vm=None, user="", token_id=""))

        (shown,) = self.call("GET", "/v1/sessions").body["sessions"]

        self.assertEqual((shown["vm"], shown["user"], shown["token_id"]), (None, None, None))

    def test_restricted_key_sees_its_backends_only(self) -> None:
        self.sessions.add(session("kvm"))
        self.sessions.add(session("esx", vm=MAIL))
        self.sessions.add(session("new", vm=None))
        key = self.key_with(Scope.READ, backends=["esx"])

        shown = self.call("GET", "/v1/sessions", key=key).body["sessions"]

        self.assertEqual([s["id"] for s in shown], ["esx"])


class ClientTests(ApiTestCase):
    def test_sessions_are_found_by_the_address_of_their_user(self) -> None:
        self.sessions.add(session("1"))
        self.sessions.add(replace(session("2"), client="2001:db8::7"))
        for client, expected in (("192.0.2.1", ["1"]), ("2001:db8::7", ["2"]), ("192.0.2", [])):
            found = self.call("GET", f"/v1/sessions?client={client}").body["sessions"]
            self.assertEqual([each["id"] for each in found], expected)

        for client in ("", "x" * 65, "%0a"):
            answer = self.call("GET", f"/v1/sessions?client={client}")
            self.assertEqual(answer.error["field"], "client", client)
        answer = self.call("DELETE", "/v1/sessions?client=192.0.2.1")
        self.assertRefused(answer, 400, "bad-request", "client")


class ChangeTests(ApiTestCase):
    def change(self, mode: str = "view-only", session_id: str = "1", **more: Any) -> Any:
        return self.call("PATCH", f"/v1/sessions/{session_id}", {"mode": mode}, **more)

    def test_a_user_may_only_view_from_now_on(self) -> None:
        self.sessions.add(session("1"))

        answer = self.change()

        self.assertEqual(
            (answer.status, answer.body), (200, {"mode": "view-only", "reenters": True})
        )
        self.assertEqual(self.call("GET", "/v1/sessions/1").body["mode"], "view-only")
        self.assertEqual(self.sessions.changed_by, "key 'root'")

    def test_one_that_is_unknown_or_another_s_is_not_found(self) -> None:
        self.assertRefused(self.change(), 404, "session-unknown", None)
        self.sessions.add(session("1"))
        key = self.key_with(Scope.ADMIN, backends=["esx"])
        self.assertRefused(self.change(key=key), 404, "session-unknown", None)
        self.assertEqual(self.sessions.changed_by, "")

    def test_it_needs_the_scope_of_administrators(self) -> None:
        self.sessions.add(session("1"))
        answer = self.change(key=self.key_with(Scope.ISSUE, Scope.READ))

        self.assertRefused(answer, 403, "forbidden", None)

    def test_a_key_whose_links_only_view_gives_nobody_control(self) -> None:
        self.sessions.add(session("1"))
        key = self.key_with(Scope.ADMIN, policy={"mode": "view-only"})

        self.assertRefused(self.change("control", key=key), 403, "forbidden", "mode")
        self.assertEqual(self.change("view-only", key=key).status, 200)

    def test_guests_of_a_user_lose_the_control_with_their_host(self) -> None:
        self.sessions.reenters = False
        self.sessions.fixed_ids = frozenset({"fixed"})
        guest = Joins("1", JoinKind.GUEST, "alice")
        others = {"guest": guest, "fixed": guest, "shadow": replace(guest, kind=JoinKind.SHADOW)}
        others["another's"] = replace(guest, session="2")
        for each in (session("1"), session("2")):
            self.sessions.add(each)
        for name, joins in others.items():
            self.sessions.add(replace(session(name), joins=joins))

        self.assertEqual(self.change("control").status, 200)
        self.assertEqual({each.mode for each in self.sessions.live.values()}, {Mode.CONTROL})
        self.assertEqual(self.change().status, 200)

        lowered = {s.id for s in self.sessions.live.values() if s.mode is Mode.VIEW_ONLY}
        self.assertEqual(lowered, {"1", "guest"})
        self.assertEqual(set(self.sessions.ended), {"fixed"})

    def test_one_that_cannot_change_says_what_can_be_done(self) -> None:
        self.sessions.add(session("1"))
        self.sessions.fixed = ModeFixed()

        answer = self.change()

        self.assertEqual((answer.status, answer.body["error"]["code"]), (409, "mode-fixed"))
        self.assertIn("issue a link", answer.body["error"]["message"])

    def test_a_process_that_does_not_answer_is_named(self) -> None:
        self.sessions.add(session("1"))
        self.sessions.silent = (Unconfirmed("a" * 16, "north", "b" * 16),)

        answer = self.change()

        self.assertEqual(answer.status, 207)
        self.assertEqual(answer.body["unconfirmed"][0]["name"], "north")

    def test_a_body_that_cannot_be_is_refused_by_its_field(self) -> None:
        self.sessions.add(session("1"))
        for body, field in (
            ({"mode": "watch"}, "mode"),
            ({}, "mode"),
            ({"mode": "control", "x": 1}, "x"),
        ):
            answer = self.call("PATCH", "/v1/sessions/1", body)
            self.assertRefused(answer, 422, "invalid-field", field)


class MessageTests(ApiTestCase):
    def message(self, text: object = "18:00", session_id: str = "1", **more: Any) -> Any:
        return self.call("POST", f"/v1/sessions/{session_id}/message", {"text": text}, **more)

    def test_a_page_shows_it_and_the_audit_has_it(self) -> None:
        self.sessions.add(session("1"))

        answer = self.message("  <script>alert(1)</script> ")

        self.assertEqual((answer.status, answer.body), (200, {"shown": True}))
        text = "<script>alert(1)</script>"
        self.assertEqual(self.sessions.messages, [("1", text, "key 'root'")])
        line = self.audit[-1]
        self.assertEqual(
            {name: line[name] for name in ("event", "key", "session", "user", "text", "shown")},
            {
                "event": "api-message",
                "key": "root",
                "session": "1",
                "user": "alice",
                "text": text,
                "shown": True,
            },
        )

    def test_a_native_viewer_shows_none_and_the_answer_says_so(self) -> None:
        self.sessions.add(replace(session("1"), type=ConsoleType.XVPVNC))

        self.assertEqual(self.message().body, {"shown": False})
        self.assertIs(self.audit[-1]["shown"], False)

    def test_it_needs_the_scope_and_the_machine(self) -> None:
        self.sessions.add(session("1"))
        key = self.key_with(*set(Scope) - {Scope.ADMIN})
        self.assertRefused(self.message(key=key), 403, "forbidden", None)
        key = self.key_with(Scope.ADMIN, backends=["esx"])
        for session_id in ("1", "2"):
            answer = self.message(session_id=session_id, key=key)
            self.assertRefused(answer, 404, "session-unknown", None)
        self.assertEqual(self.sessions.messages, [])

    def test_a_text_that_cannot_be_is_refused(self) -> None:
        self.sessions.add(session("1"))
        texts = "", "   ", "x" * 501, "a\nb", "a\x1b[2J", "\u202eabc", "\u2066abc", "\x00", 7, None
        for text in texts:
            self.assertRefused(self.message(text), 422, "invalid-field", "text")
        self.assertEqual(self.message("x" * 500).status, 200)
        self.assertEqual(self.message("\U0001f600 \u05e9\u05dc\u05d5\u05dd").status, 200)

    def test_a_process_that_does_not_answer_is_named(self) -> None:
        self.sessions.add(session("1"))
        self.sessions.silent = (Unconfirmed("a" * 16, "north", "b" * 16),)

        answer = self.message()

        self.assertEqual((answer.status, answer.body["shown"]), (207, False))
        self.assertEqual(answer.body["unconfirmed"][0]["name"], "north")


class EndTests(ApiTestCase):
    def test_session_is_ended_by_the_administrator(self) -> None:
        self.sessions.add(session("1"))
        self.sessions.add(session("2"))

        answer = self.call("DELETE", "/v1/sessions/1")

        self.assertEqual((answer.status, answer.body), (200, {"ended": 1}))
        self.assertIsInstance(self.sessions.ended["1"], EndedByAdministrator)
        self.assertEqual(list(self.sessions.live), ["2"])

    def test_unknown_session_is_not_found(self) -> None:
        answer = self.call("DELETE", "/v1/sessions/1")

        self.assertRefused(answer, 404, "session-unknown", None)

    def test_session_of_another_backend_is_not_found(self) -> None:
        self.sessions.add(session("1"))
        key = self.key_with(Scope.ADMIN, backends=["esx"])

        answer = self.call("DELETE", "/v1/sessions/1", key=key)

        self.assertRefused(answer, 404, "session-unknown", None)
        self.assertEqual(list(self.sessions.live), ["1"])

    def test_session_that_just_ended_is_not_found(self) -> None:
        self.sessions.add(session("1"))

        async def too_late(session_id: str, why: SessionEnded, by: str) -> Ended:
            return Ended(0)

        self.patch(self.sessions, "end", too_late)

        self.assertEqual(self.call("DELETE", "/v1/sessions/1").status, 404)

    def test_its_token_is_revoked_and_its_other_sessions_end_where_asked_for(self) -> None:
        token_id = self.issue().body["id"]
        self.sessions.add(session("1", token_id=token_id))
        self.sessions.add(session("2", token_id=token_id))
        self.sessions.add(session("3"))

        answer = self.call("DELETE", "/v1/sessions/1?revoke=true")

        self.assertEqual((answer.status, answer.body), (200, {"ended": 2, "revoked": 1}))
        self.assertEqual(list(self.sessions.live), ["3"])
        self.assertEqual(self.call("GET", f"/v1/tokens/{token_id}").status, 404)

    def test_a_token_that_is_not_the_proxys_is_not_revoked(self) -> None:
        self.sessions.add(session("1"))

        answer = self.call("DELETE", "/v1/sessions/1?revoke=true")

        self.assertEqual((answer.status, answer.body), (200, {"ended": 1, "revoked": 0}))

    def test_revoke_is_true_or_false(self) -> None:
        self.sessions.add(session("1"))

        answer = self.call("DELETE", "/v1/sessions/1?revoke=yes")

        self.assertRefused(answer, 400, "bad-request", "revoke")
        self.assertEqual(list(self.sessions.live), ["1"])
        self.assertEqual(
            self.call("DELETE", "/v1/sessions/1?revoke=false").body,
            {"ended": 1},
        )


class CriteriaTests(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        for number, user in enumerate(("alice", "bob", "bob", "carol")):
            self.sessions.add(session(f"{number}", user=user, started_at=NOW + number))
        self.sessions.add(session("m", vm=MAIL, user="bob", started_at=NOW + 9))

    def listed(self, query: str) -> list[str]:
        answer = self.call("GET", f"/v1/sessions?{query}")
        self.assertEqual(answer.status, 200, answer.body)
        return [shown["id"] for shown in answer.body["sessions"]]

    def test_all_that_are_given_have_to_match(self) -> None:
        self.assertEqual(self.listed("user=bob"), ["1", "2", "m"])
        self.assertEqual(self.listed("user=bob&vm=kvm/web-01"), ["1", "2"])
        self.assertEqual(self.listed(f"token={'ab' * 32}&user=carol"), ["3"])
        self.assertEqual(self.listed("proxy=proxy-1&user=alice"), ["0"])
        self.assertEqual(self.listed("proxy=proxy-2"), [])

    def test_pages_follow_one_another(self) -> None:
        seen, after = [], ""
        for _ in range(3):
            answer = self.call("GET", f"/v1/sessions?limit=2{after}").body
            seen.append([shown["id"] for shown in answer["sessions"]])
            after = f"&after={answer['next']}"

        self.assertEqual(seen, [["0", "1"], ["2", "3"], ["m"]])
        self.assertIsNone(answer["next"])

    def test_a_page_goes_on_although_its_last_session_ended(self) -> None:
        after = self.call("GET", "/v1/sessions?limit=2").body["next"]
        del self.sessions.live["1"]

        self.assertEqual(self.listed(f"limit=1&after={after}"), ["2"])

    def test_what_is_not_possible_is_refused_by_its_name(self) -> None:
        for query, status, field in (
            ("usr=bob", 400, "usr"),
            ("user=a&user=b", 400, "user"),
            ("user=%FF", 400, "user"),
            ("vm=nothing", 422, "vm"),
            ("token=abc", 422, "token"),
            ("limit=0", 422, "limit"),
            ("limit=1001", 422, "limit"),
            ("limit=1e2", 422, "limit"),
            ("limit=%D9%A1", 422, "limit"),
            ("after=x", 422, "after"),
        ):
            answer = self.call("GET", f"/v1/sessions?{query}")
            self.assertEqual((answer.status, answer.body["error"]["field"]), (status, field), query)

    def test_a_key_for_some_backends_sees_and_ends_their_sessions_only(self) -> None:
        self.key = self.key_with(Scope.ADMIN, backends=["esx"])

        self.assertEqual(self.listed("user=bob"), ["m"])
        self.assertEqual(self.call("GET", "/v1/sessions/1").status, 404)
        self.assertEqual(self.call("GET", "/v1/sessions?vm=kvm/web-01").status, 403)
        self.assertEqual(self.call("DELETE", "/v1/sessions?vm=kvm/web-01").status, 403)
        self.assertEqual(self.call("DELETE", "/v1/sessions?user=bob").body, {"ended": 1})
        self.assertEqual(sorted(self.sessions.live), ["0", "1", "2", "3"])

    def test_one_is_shown(self) -> None:
        answer = self.call("GET", "/v1/sessions/3")

        self.assertEqual((answer.status, answer.body["user"]), (200, "carol"))
        self.assertEqual(self.call("GET", "/v1/sessions/9").status, 404)

    def test_several_are_ended(self) -> None:
        self.assertEqual(self.call("DELETE", "/v1/sessions?user=bob").body, {"ended": 3})
        self.assertEqual(sorted(self.sessions.live), ["0", "3"])
        self.assertEqual(str(self.sessions.ended["1"]), "by key 'root'")

    def test_ending_needs_a_criterion_and_no_page(self) -> None:
        for query in ("", "?limit=1", "?user=bob&limit=1"):
            self.assertEqual(self.call("DELETE", f"/v1/sessions{query}").status, 400)
        self.assertEqual(len(self.sessions.live), 5)

    def test_processes_that_do_not_confirm_are_named(self) -> None:
        self.sessions.silent = (Unconfirmed("p", "north", "w"),)
        late = [{"proxy": "p", "name": "north", "worker": "w"}]

        for path, ended in (
            ("/v1/sessions/0", 1),
            ("/v1/sessions?user=bob", 3),
            ("/v1/sessions?user=nobody", 0),
        ):
            answer = self.call("DELETE", path)
            self.assertEqual((answer.status, answer.body["ended"]), (207, ended))
            self.assertEqual(answer.body["unconfirmed"], late)
