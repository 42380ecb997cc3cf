"""Sessions that may be open at some times only."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.doubles.proxy_in_memory import NOW, WEB_01
from tests.doubles.sessions import SessionTestCase, User
from vncproxy.errors import OutsideHours, SessionEnded, TimeLimit
from vncproxy.model import Policy

HOUR = 3600.0
SATURDAY = Policy(hours=("sat 08:00-18:00 Europe/Berlin",))
"""`NOW` is Friday, 2 January 2026, 03:04:05 UTC."""


class OpenTimesTests(SessionTestCase):
    def setUp(self) -> None:
        self.step = 0.0
        super().setUp()

    def time(self) -> float:
        return super().time() + self.step

    def set_clock(self, day: int, hour: int, minute: int = 0) -> None:
        """Set the wall clock to a moment of January 2026, UTC."""
        self.step += datetime(2026, 1, day, hour, minute, tzinfo=UTC).timestamp() - self.time()

    def refuse(self, secret: str, kind: type[SessionEnded], **request: str | None) -> str:
        """Return the sentence with which a link is refused."""
        self.user = User(self)
        self.observer.refusals.clear()
        self.observer.closings.clear()
        self.observer.openings.clear()
        self.begin(self.user_request(secret, **request))
        error = self.refused(kind)
        self.assertEqual(error.status, 403)
        [(info, _)] = self.observer.refusals
        self.assertEqual((info.vm, info.user), (WEB_01, "alice"))
        return error.sentence()

    def test_a_link_that_is_used_too_early_says_when_it_opens_and_keeps_its_use(self) -> None:
        secret = self.issue(SATURDAY)
        self.assertEqual(
            self.refuse(secret, OutsideHours),
            "This console may be opened from Sat, 3 Jan 2026, 08:00 CET (Europe/Berlin).",
        )
        self.assertEqual((self.uses_given_back(), self.user.steps), (0, ["refuse"]))

        self.set_clock(3, 7)
        self.user = User(self)
        self.open(self.user_request(secret))

    def test_from_a_moment_on(self) -> None:
        secret = self.issue(Policy(not_before=NOW + 300))
        words = "This console may be opened from Fri, 2 Jan 2026, 03:09 UTC."
        self.assertEqual(self.refuse(secret, OutsideHours), words)

        self.wait(300)
        self.user = User(self)
        self.open(self.user_request(secret))

    def test_until_a_moment(self) -> None:
        secret = self.issue(Policy(not_after=NOW - 1))
        words = "This console was open until Fri, 2 Jan 2026, 03:04 UTC."
        self.assertEqual(self.refuse(secret, TimeLimit), words)

    def test_hours_that_never_come(self) -> None:
        policy = Policy(hours=SATURDAY.hours, not_after=NOW + HOUR)
        self.assertIn("was open until", self.refuse(self.issue(policy), TimeLimit))

    def test_an_open_session_ends_with_its_hours_and_its_browser_may_come_again(self) -> None:
        self.set_clock(3, 16, 59)
        secret = self.issue(SATURDAY)
        self.open(self.user_request(secret))
        cookie = self.user.cookie
        for _ in range(61):
            self.wait(1)
        self.closed(OutsideHours)
        self.wait(self.timeouts.linger)

        words = "This console may be opened from Sat, 10 Jan 2026, 08:00 CET (Europe/Berlin)."
        self.assertEqual(self.refuse(secret, OutsideHours, resume=cookie), words)

        self.set_clock(10, 7)
        self.user = User(self)
        self.open(self.user_request(secret, resume=cookie))
