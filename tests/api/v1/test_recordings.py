"""Recordings over the API: what a key is shown, and what it may do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.doubles.api import NOW, ApiTestCase, session
from tests.doubles.calls import CallsHere
from tests.doubles.recorded_files import BEGAN, keep, name_of
from vncproxy.api import Scope
from vncproxy.api.v1 import recordings
from vncproxy.api.v1.recordings import Reviews
from vncproxy.archive.folder import FolderLibrary
from vncproxy.errors import BackendError
from vncproxy.model import VMAddress, VMPatterns, secret_id
from vncproxy.review import shelf
from vncproxy.review.memory import MemoryReviewLinks
from vncproxy.review.shelf import Shelf

DAY = 86400.0
LINK = {"user": "rita"}


class RecordingsCase(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.calls = CallsHere()
        self.links = MemoryReviewLinks(self.clock.seconds)
        here = Shelf(FolderLibrary(self.folder), self.calls, "proxy-1")
        self.reviews = Reviews(here, self.links, "https://console.example.com/", self.playable)
        self.key = self.add_key("auditor", Scope.REVIEW)
        self.serve()

    def playable(self, recorded: Any) -> str:
        return "yes"

    def recorded(self, query: str = "", **more: Any) -> list[str]:
        answer = self.call("GET", f"/v1/recordings{query}", **more)
        self.assertEqual(answer.status, 200, answer.text)
        return [each["session"] for each in answer.body["recordings"]]

    def link(self, session: str = "7f3a", key: str | None = None, **body: Any) -> Any:
        return self.call("POST", f"/v1/recordings/{session}/links", {**LINK, **body}, key=key)


class ShownTests(RecordingsCase):
    def test_one_as_its_file_says(self) -> None:
        keep(self.folder)
        answer = self.call("GET", "/v1/recordings/7f3a")
        size = (self.folder / name_of("7f3a")).stat().st_size
        self.assertEqual(
            answer.body,
            {
                "session": "7f3a",
                "vm": "kvm/web-01",
                "user": "alice",
                "type": "novnc",
                "client": "192.0.2.1",
                "proxy": "proxy-1",
                "started_at": "2027-01-15T08:00:00Z",
                "seconds": 0.2,
                "bytes": size,
                "state": "ended",
                "reason": "client-gone",
                "sealed": False,
                "keys": False,
                "playable": "yes",
            },
        )

    def test_one_that_was_cut_off(self) -> None:
        keep(self.folder, end="")
        body = self.call("GET", "/v1/recordings/7f3a").body
        self.assertEqual((body["state"], body["reason"]), ("cut", None))

    def test_the_newest_first_and_those_that_are_asked_for(self) -> None:
        for number, user in enumerate(("alice", "bob", "alice")):
            keep(self.folder, f"s{number}", BEGAN + number * DAY, user=user)
        keep(self.folder, "other", BEGAN - DAY, vm="kvm/db-01")
        for query, found in (
            ("", ["s2", "s1", "s0", "other"]),
            ("?user=alice", ["s2", "s0", "other"]),
            ("?user=alice&vm=kvm/web-01", ["s2", "s0"]),
            ("?vm=kvm/db-01", ["other"]),
            ("?session=s1", ["s1"]),
            ("?session=s1&user=alice", []),
            ("?session=none", []),
            ("?since=2027-01-16", ["s2", "s1"]),
            ("?since=2027-01-16T08:00:00Z&until=2027-01-17T08:00:00Z", ["s1"]),
            ("?until=2027-01-15T09:00:00%2B01:00", ["other"]),
        ):
            self.assertEqual(self.recorded(query), found, query)

    def test_page_by_page_none_is_missed_and_none_is_there_twice(self) -> None:
        for number in range(7):
            keep(self.folder, f"s{number}", BEGAN + number // 2)
        pages: list[list[str]] = []
        after: str | None = ""
        while after is not None and len(pages) < 9:
            query = f"?limit=2&after={after}" if after else "?limit=2"
            answer = self.call("GET", f"/v1/recordings{query}").body
            pages.append([each["session"] for each in answer["recordings"]])
            after = answer["next"]
        self.assertEqual(pages, [["s6", "s5"], ["s4", "s3"], ["s2", "s1"], ["s0"]])

    def test_a_page_looks_at_so_many_and_the_next_one_goes_on(self) -> None:
        self.patch(recordings, "MOST_SEEN", 4)
        self.patch(recordings, "BATCH", 2)
        self.patch(shelf, "BATCH", 2)
        for number in range(6):
            keep(self.folder, f"s{number}", BEGAN + number, user="alice" if number == 1 else "bob")
        answer = self.call("GET", "/v1/recordings?user=alice").body
        self.assertEqual(answer["recordings"], [])
        self.assertEqual(self.recorded(f"?user=alice&after={answer['next']}"), ["s1"])

    def test_a_slow_storage_gives_shorter_pages(self) -> None:
        self.patch(shelf, "BATCH_TIME", 0.0)
        for number in range(5):
            keep(self.folder, f"s{number}", BEGAN + number)
        answer = self.call("GET", "/v1/recordings").body
        self.assertEqual([each["session"] for each in answer["recordings"]], ["s4", "s3"])
        self.assertEqual(self.recorded(f"?after={answer['next']}"), ["s2", "s1"])

    def test_files_that_are_none_are_not_seen(self) -> None:
        path = keep(self.folder)
        path.with_name("080001-bad.vncr").write_bytes(b"\x89VNCR\r\n\x01rubbish")
        path.with_name("080002-link.vncr").symlink_to(path)
        self.assertEqual(self.recorded(), ["7f3a"])

    def test_parameters_that_cannot_be(self) -> None:
        for query, field in (
            ("since=yesterday", "since"),
            ("until=2027-13-01", "until"),
            ("limit=0", "limit"),
            ("after=../../etc/passwd", "after"),
            ("session=../x", "session"),
            ("vm=x", "vm"),
        ):
            answer = self.call("GET", f"/v1/recordings?{query}")
            self.assertRefused(answer, 422, "invalid-field", field)

    def test_no_text_in_a_path_leads_out_of_the_directory(self) -> None:
        keep(self.folder)
        (self.folder.parent / "2027-01-15").mkdir(exist_ok=True)
        for text in ("..%2f7f3a", "%2e%2e", "7f3a%00", "2027-01-15%2F080000-7f3a", "%c3%a4"):
            for path in ("", "/file", "/links"):
                answer = self.call("GET", f"/v1/recordings/{text}{path}")
                self.assertIn(answer.status, (403, 404, 405), (text, path))

    def test_without_a_place_for_recordings(self) -> None:
        self.reviews = None
        self.serve()
        for path in ("", "/7f3a"):
            answer = self.call("GET", f"/v1/recordings{path}")
            self.assertRefused(answer, 501, "not-configured", None)

    def test_a_storage_that_does_not_answer(self) -> None:
        self.calls.failure = BackendError("no answer within 15 s")
        answer = self.call("GET", "/v1/recordings")
        self.assertRefused(answer, 503, "recordings-unavailable", None)


class RightsTests(RecordingsCase):
    def setUp(self) -> None:
        super().setUp()
        keep(self.folder)
        keep(self.folder, "mail", BEGAN + 1, vm="esx/mail")

    def requests(self, session: str) -> list[tuple[str, str, Any]]:
        path = f"/v1/recordings/{session}"
        return [
            ("GET", path, None),
            ("DELETE", path, None),
            ("GET", f"{path}/file", None),
            ("POST", f"{path}/links", LINK),
            ("DELETE", f"{path}/links", None),
        ]

    def test_without_the_scope_nothing_is_learned(self) -> None:
        others = frozenset(Scope) - {Scope.REVIEW}
        key = self.key_with(*others)
        told = set()
        for each in ("7f3a", "none"):
            for method, path, body in self.requests(each):
                answer = self.call(method, path, body, key=key)
                self.assertEqual(answer.status, 403)
                told.add(answer.text)
        self.assertEqual(self.call("GET", "/v1/recordings", key=key).status, 403)
        self.assertEqual(len(told), 1, told)

    def test_recordings_of_other_machines_are_not_there(self) -> None:
        scopes = Scope.REVIEW, Scope.ADMIN, Scope.DOWNLOAD
        for bounds in ({"backends": ["kvm"]}, {"vms": VMPatterns.parse(["kvm/*"])}):
            key = self.key_with(*scopes, **bounds)
            self.assertEqual(self.recorded(key=key), ["7f3a"])
            self.assertEqual(self.recorded("?session=mail", key=key), [])
            hidden = [self.call(*each, key=key) for each in self.requests("mail")]
            absent = [self.call(*each, key=key) for each in self.requests("none")]
            for one, other in zip(hidden, absent, strict=True):
                self.assertRefused(one, 404, "recording-unknown", None)
                self.assertEqual(one.text, other.text)
            refused = self.call("GET", "/v1/recordings?vm=esx/mail", key=key)
            self.assertRefused(refused, 403, "forbidden", "vm")

    def test_a_live_session_of_another_proxy_names_it(self) -> None:
        self.sessions.add(replace(session("live"), proxy="proxy-7"))
        self.sessions.add(replace(session("hidden", vm=VMAddress("esx", "mail")), proxy="proxy-7"))
        self.sessions.add(session("unrecorded"))
        key = self.key_with(Scope.REVIEW, backends=["kvm"])
        answer = self.call("GET", "/v1/recordings/live", key=key)
        self.assertRefused(answer, 409, "recording-elsewhere", None)
        self.assertIn("proxy-7", answer.error["message"])
        for hidden in ("hidden", "unrecorded"):
            answer = self.call("GET", f"/v1/recordings/{hidden}", key=key)
            self.assertRefused(answer, 404, "recording-unknown", None)

    def test_deletion_needs_an_administrator_as_well(self) -> None:
        self.assertRefused(self.call("DELETE", "/v1/recordings/7f3a"), 403, "forbidden", None)
        self.assertEqual(self.recorded(), ["mail", "7f3a"])

        key = self.key_with(Scope.REVIEW, Scope.ADMIN)
        answer = self.call("DELETE", "/v1/recordings/7f3a", key=key)
        self.assertEqual((answer.status, answer.body), (200, {"deleted": 1}))
        self.assertEqual(self.recorded(), ["mail"])
        again = self.call("DELETE", "/v1/recordings/7f3a", key=key)
        self.assertRefused(again, 404, "recording-unknown", None)
        (line,) = [each for each in self.audit if each["event"] == "api-recording-delete"]
        self.assertEqual(
            (line["key"], line["session"], line["vm"], line["user"], line["file"]),
            ("portal", "7f3a", "kvm/web-01", "alice", name_of("7f3a")),
        )

    def test_the_file_needs_a_scope_as_well(self) -> None:
        self.assertRefused(self.call("GET", "/v1/recordings/7f3a/file"), 403, "forbidden", None)
        key = self.key_with(Scope.DOWNLOAD)
        refused = self.call("GET", "/v1/recordings/7f3a/file", key=key)
        self.assertRefused(refused, 403, "forbidden", None)

        key = self.key_with(Scope.REVIEW, Scope.DOWNLOAD)
        request = self.treq.get(  # type: ignore[attr-defined]
            "http://127.0.0.1:6082/v1/recordings/7f3a/file",
            headers={"Authorization": f"Bearer {key}"},
        )
        self.treq.flush()
        response = self.successResultOf(request)
        self.treq.flush()
        body = self.successResultOf(response.content())
        self.assertEqual(body, (self.folder / name_of("7f3a")).read_bytes())
        disposition = response.headers.getRawHeaders("content-disposition")
        self.assertEqual(disposition, ['attachment; filename="080000-7f3a.vncr"'])
        self.assertIn("api-recording-file", [each["event"] for each in self.audit])


class LinkTests(RecordingsCase):
    def setUp(self) -> None:
        super().setUp()
        keep(self.folder)

    def test_its_secret_is_in_the_url_alone(self) -> None:
        answer = self.link(ttl=60)
        self.assertEqual(answer.status, 201)
        begin, _, secret = answer.body["url"].partition("?token=")
        self.assertEqual(begin, "https://console.example.com/recordings/7f3a")
        self.assertEqual(secret_id(secret), answer.body["id"])
        self.assertEqual(answer.body["expires_at"], "2026-01-02T03:05:05Z")
        (line,) = [each for each in self.audit if each["event"] == "api-recording-link"]
        self.assertNotIn(secret, str(line))
        self.assertEqual(
            (line["key"], line["reviewer"], line["session"], line["link"], line["download"]),
            ("auditor", "rita", "7f3a", answer.body["id"][:12], False),
        )

    def test_a_link_for_the_file_needs_the_scope_for_it(self) -> None:
        self.assertRefused(self.link(download=True), 403, "forbidden", None)
        key = self.key_with(Scope.REVIEW, Scope.DOWNLOAD)
        self.assertEqual(self.link(key=key, download=True).status, 201)

    def test_fields_that_cannot_be(self) -> None:
        for body, field in (
            ({"ttl": 0}, "ttl"),
            ({"ttl": 86401}, "ttl"),
            ({"user": ""}, "user"),
            ({"user": "a\nb"}, "user"),
            ({"download": "yes"}, "download"),
            ({"more": 1}, "more"),
        ):
            self.assertRefused(self.link(**body), 422, "invalid-field", field)
        answer = self.call("POST", "/v1/recordings/7f3a/links", {})
        self.assertRefused(answer, 422, "invalid-field", "user")

    def test_links_are_revoked_one_or_all(self) -> None:
        ids = [self.link().body["id"] for _ in range(3)]
        path = "/v1/recordings/7f3a/links"
        self.assertEqual(self.call("DELETE", f"{path}?link={ids[0]}").body, {"revoked": 1})
        self.assertEqual(self.call("DELETE", f"{path}?link={ids[0]}").body, {"revoked": 0})
        self.assertEqual(self.call("DELETE", path).body, {"revoked": 2})
        answer = self.call("DELETE", f"{path}?link=x")
        self.assertRefused(answer, 422, "invalid-field", "link")
        lines = [each for each in self.audit if each["event"] == "api-recording-revoke"]
        self.assertEqual([line["revoked"] for line in lines], [1, 0, 2])

    def test_there_are_not_too_many(self) -> None:
        for _ in range(100):
            self.assertEqual(self.link().status, 201)
        self.assertRefused(self.link(), 409, "too-many-links", None)
        self.clock.advance(601)
        self.assertEqual(self.link().status, 201)

    def test_a_request_that_is_sent_again_makes_one_link_of_each_recording(self) -> None:
        keep(self.folder, "other", BEGAN + 1)
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": "once"}
        paths = [f"/v1/recordings/{session}/links" for session in ("7f3a", "7f3a", "other")]
        one, two, other = (self.call("POST", each, LINK, headers=headers) for each in paths)
        self.assertEqual(one.body, two.body)
        self.assertIn("/recordings/other?", other.body["url"])

    def test_a_link_is_no_token_and_a_token_no_link(self) -> None:
        secret = self.link().body["url"].partition("?token=")[2]
        admin = self.key_with(Scope.ADMIN)
        shown = self.call("GET", f"/v1/tokens/{secret_id(secret)}", key=admin)
        self.assertEqual(shown.status, 404)
        token = self.call("POST", "/v1/tokens", {"vm": "kvm/web-01", "user": "a"}, key=admin).body
        self.assertEqual(self.successResultOf(self.use(token["id"])), [None])

    def use(self, link_id: str) -> Any:
        from twisted.internet.defer import Deferred

        return Deferred.fromCoroutine(self.links.use([link_id], 60))

    def test_the_clock_of_answers_is_the_wall_clock(self) -> None:
        self.time = NOW + 3600
        self.assertEqual(self.link(ttl=600).body["expires_at"], "2026-01-02T04:14:05Z")
