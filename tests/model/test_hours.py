"""Weekly windows, against a reference that looks at the clock minute by minute."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from twisted.trial.unittest import SynchronousTestCase

from tests.properties import given, settings
from tests.properties import strategies as st
from vncproxy.model.hours import OpenTimes, lie_within, open_times, parse_window

BERLIN: Final = ZoneInfo("Europe/Berlin")
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ZONES: Final = (
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Australia/Lord_Howe",  # changes its clock by half an hour
    "Asia/Kathmandu",
    "UTC",
)
CLOCK_CHANGES: Final = (
    datetime(2026, 3, 29, 1, tzinfo=UTC),  # Berlin
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 3, 8, 7, tzinfo=UTC),  # New York
    datetime(2026, 4, 4, 15, tzinfo=UTC),  # Lord Howe
)


def at(text: str, zone: ZoneInfo = BERLIN) -> float:
    """Return a moment from how a clock shows it."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def times(
    *hours: str, not_before: float | None = None, not_after: float | None = None
) -> OpenTimes:
    found = open_times(not_before, not_after, hours)
    assert found is not None
    return found


def shows_a_time_within(text: str, when: float) -> bool:
    """The reference: what a person with a watch and a calendar does."""
    days, clock, zone = text.split()
    first, _, last = days.partition("-")
    named = DAYS.index(first), DAYS.index(last or first)
    wanted = [day for day in range(7) if (day - named[0]) % 7 <= (named[1] - named[0]) % 7]
    begin, end = clock.split("-")
    local = datetime.fromtimestamp(when, ZoneInfo(zone))
    shown, yesterday = f"{local:%H:%M}", (local.weekday() - 1) % 7
    if begin < end:
        return local.weekday() in wanted and begin <= shown < end
    return (local.weekday() in wanted and shown >= begin) or (yesterday in wanted and shown < end)


@st.composite
def windows(draw: st.DrawFn) -> str:
    first, last = draw(st.sampled_from(DAYS)), draw(st.sampled_from(DAYS))
    moments = st.integers(0, 95).map(lambda quarter: f"{quarter // 4:02}:{quarter % 4 * 15:02}")
    begin, end = draw(st.lists(moments, min_size=2, max_size=2, unique=True))
    days = draw(st.sampled_from((first, f"{first}-{last}")))
    return f"{days} {begin}-{end} {draw(st.sampled_from(ZONES))}"


class PropertyTests(SynchronousTestCase):
    @settings(max_examples=20)
    @given(
        st.lists(windows(), min_size=1, max_size=3),
        st.sampled_from(CLOCK_CHANGES),
        st.integers(0, 60 * 24 * 2),
    )
    def test_is_as_the_clocks_minute_by_minute(
        self, hours: list[str], change: datetime, earlier: int
    ) -> None:
        begin = change.timestamp() - 60 * earlier
        minutes = [begin + 60 * n for n in range(60 * 24 * 3)]
        expected = [any(shows_a_time_within(each, when) for each in hours) for when in minutes]
        found = times(*hours)

        self.assertEqual([found.is_open(when) for when in minutes], expected)
        changes = [n for n, state in enumerate(expected) if state is not expected[0]]
        seconds = found.seconds_until_change(begin)
        if changes:
            self.assertEqual(seconds, 60 * changes[0])
        else:
            self.assertTrue(seconds is None or seconds >= 60 * len(minutes), seconds)


class WindowTests(SynchronousTestCase):
    def test_the_first_and_the_last_moment(self) -> None:
        office = times("mon-fri 08:00-18:00 Europe/Berlin")

        self.assertTrue(office.is_open(at("2026-11-30T08:00:00")))
        self.assertTrue(office.is_open(at("2026-11-30T17:59:59")))
        self.assertFalse(office.is_open(at("2026-11-30T18:00:00")))
        self.assertFalse(office.is_open(at("2026-11-29T12:00:00")), "a Sunday")

    def test_over_midnight_and_over_the_week(self) -> None:
        night = times("sun 22:00-06:00 Europe/Berlin")

        self.assertTrue(night.is_open(at("2026-11-30T05:59")), "Monday morning")
        self.assertFalse(night.is_open(at("2026-11-30T06:00")))
        self.assertFalse(night.is_open(at("2026-11-29T05:59")))

    def test_days_in_lists_and_a_whole_day(self) -> None:
        some = times("Mon,wed,SAT-sun 00:00-24:00 UTC")
        open_on = [
            day
            for n, day in enumerate(DAYS)
            if some.is_open(datetime(2026, 11, 30 - 7 + n, 23, 59, tzinfo=UTC).timestamp())
        ]
        self.assertEqual(open_on, ["mon", "wed", "sat", "sun"])

    def test_every_minute_of_the_week_never_changes(self) -> None:
        self.assertIsNone(times("mon-sun 00:00-24:00 UTC").seconds_until_change(0))

    def test_a_window_in_a_gap_of_the_clock_opens_a_week_later(self) -> None:
        early = times("sun 02:00-03:00 Europe/Berlin")

        found = early.next_opening(at("2026-03-22T03:00"))

        self.assertEqual(found, at("2026-04-05T02:00"))

    def test_an_hour_that_clocks_show_twice_is_open_twice(self) -> None:
        early = times("sun 02:00-02:30 Europe/Berlin")
        first = at("2026-10-25T02:00")

        self.assertEqual(early.seconds_until_change(first), 1800)
        self.assertEqual(early.seconds_until_change(first + 1800), 1800)
        self.assertTrue(early.is_open(first + 3600))

    def test_between_two_moments(self) -> None:
        some = times("mon 08:00-18:00 UTC", not_before=1000.0, not_after=10_000_000.0)

        monday = (4 * 24 + 8) * 3600.0  # 1970 began with a Thursday
        self.assertEqual(some.next_opening(0), monday)
        self.assertFalse(some.is_open(monday + 7 * 86_400 * 20))
        self.assertIsNone(some.next_opening(10_000_000))
        self.assertEqual(times(not_before=50.0).next_opening(0), 50)
        self.assertEqual(times(not_after=50.0).seconds_until_change(0), 50)
        self.assertEqual(times("mon-sun 00:00-24:00 UTC", not_before=50.0).next_opening(0), 50)

    def test_moments_in_words(self) -> None:
        when = at("2026-11-30T08:00")
        self.assertEqual(
            times("mon 08:00-09:00 Europe/Berlin").in_words(when),
            "Mon, 30 Nov 2026, 08:00 CET (Europe/Berlin)",
        )
        self.assertEqual(times(not_before=when).in_words(when), "Mon, 30 Nov 2026, 07:00 UTC")


class TextTests(SynchronousTestCase):
    def assert_refused(self, text: str, *words: str) -> None:
        message = str(self.assertRaises(ValueError, parse_window, text))
        for each in words:
            self.assertIn(each, message)

    def test_what_is_no_window_is_refused_with_what_is_wrong(self) -> None:
        for text, word in {
            "": "days, times and a time zone",
            "mon-fri 08:00-18:00": "days, times and a time zone",
            "mon-fri  08:00-18:00 UTC": "days, times and a time zone",
            "mon-fri 08:00-18:00 UTC ": "days, times and a time zone",
            "monday 08:00-18:00 UTC": "mon-fri or mon,wed",
            "mon, 08:00-18:00 UTC": "mon-fri or mon,wed",
            "mon-tue-wed 08:00-18:00 UTC": "mon-fri or mon,wed",
            "mon 8:00-18:00 UTC": "times like",
            "mon 08:00-18:60 UTC": "times like",
            "mon 08:00-25:00 UTC": "times like",
            "mon 08:00\u201318:00 UTC": "times like",
            "mon 24:00-06:00 UTC": "before 24:00",
            "mon 08:00-24:01 UTC": "end at 24:00",
            "mon 08:00-08:00 UTC": "00:00-24:00",
            "mon 08:00-18:00 CEST2": "time zone that is known",
            "mon 08:00-18:00 Europe/Berlln": "time zone that is known",
            "mon 08:00-18:00 Europe": "time zone that is known",
            "mon 08:00-18:00 localtime": "time zone that is known",
            "mon 08:00-18:00 ../UTC": "time zone that is known",
            "mon 08:00-18:00 UTC/../UTC": "time zone that is known",
            "mon 08:00-18:00 " + "A" * 200: "days, times and a time zone",
        }.items():
            self.assert_refused(text, word)

    @given(st.text(max_size=40))
    def test_any_other_text_raises_nothing_else(self, text: str) -> None:
        with contextlib.suppress(ValueError):
            parse_window(text)

    def test_windows_within_others(self) -> None:
        office = ["mon-fri 08:00-18:00 Europe/Berlin", "sat 08:00-12:00 Europe/Berlin"]

        self.assertTrue(lie_within(["mon,sat 09:00-12:00 Europe/Berlin"], office))
        self.assertTrue(lie_within(office, office))
        self.assertFalse(lie_within(["sat 09:00-12:01 Europe/Berlin"], office))
        self.assertFalse(lie_within(["mon 20:00-09:00 Europe/Berlin"], office))
        self.assertFalse(lie_within(["mon 09:00-10:00 Europe/Vienna"], office), "another clock")

    def test_nothing_is_any_time(self) -> None:
        self.assertIsNone(open_times(None, None, ()))
