"""When sessions may be open: between two moments, and in weekly windows of a time zone's clock.

A window is a text of days, times and a time zone: ``mon-fri 08:00-18:00 Europe/Berlin``. It is open
while the clock of its zone shows a time within it. So where clocks are changed, a window is longer
or shorter by what the clock shows twice or never.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache, reduce
from operator import or_
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .units import UnixTime

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY: Final = 24 * 60
_WEEK: Final = 7 * _DAY
_ALL_DAY: Final = (1 << _DAY) - 1
_ALL_WEEK: Final = (1 << _WEEK) - 1
_SECONDS: Final = 86_400.0
_HORIZON: Final = 16
"""The days within which a window opens again; the one of a week may be in a gap of the clock."""

_TIMES = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])")
_ZONE = re.compile(r"[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*")
_LONGEST: Final = 100
_EXAMPLE: Final = "such as mon-fri 08:00-18:00 Europe/Berlin"


@dataclass(frozen=True, slots=True)
class Window:
    """One window, or several of one zone.

    Attributes:
        minutes: a bit for each minute of the week in which it is open, from Monday 00:00.
    """

    zone: ZoneInfo
    minutes: int

    def is_open(self, when: UnixTime) -> bool:
        """Return whether the zone's clock shows a time within it."""
        local = datetime.fromtimestamp(when, self.zone)
        return bool(self.minutes >> (_DAY * local.weekday() + 60 * local.hour + local.minute) & 1)

    def moments(self, begin: UnixTime, end: UnixTime) -> Iterator[UnixTime]:
        """Yield all moments between two, a day apart, at which it may open or close."""
        first = datetime.fromtimestamp(begin, self.zone).date()
        for days in range(3):
            yield from self._bounds(first + timedelta(days))
        if self._offset(begin) != self._offset(end):
            yield self._clock_change(begin, end)

    def _bounds(self, day: date) -> Iterator[UnixTime]:
        changes = self.minutes ^ _rotated(self.minutes)
        left = changes >> _DAY * day.weekday() & _ALL_DAY
        while left:
            hour, minute = divmod((left & -left).bit_length() - 1, 60)
            local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=self.zone)
            yield local.timestamp()
            yield local.replace(fold=1).timestamp()  # clocks show some times twice
            left &= left - 1

    def _offset(self, when: UnixTime) -> timedelta | None:
        return datetime.fromtimestamp(when, self.zone).utcoffset()

    def _clock_change(self, begin: UnixTime, end: UnixTime) -> UnixTime:
        """Return the second at which the zone's offset becomes what it is at the end."""
        low, high, after = int(begin), int(end), self._offset(end)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._offset(middle) == after else (middle, high)
        return float(high)


@dataclass(frozen=True, slots=True)
class OpenTimes:
    """When a session may be open.

    Attributes:
        not_before, not_after: moments between which it may be; None for no such bound.
        windows: in one of which it has to be; empty for any time.
    """

    not_before: UnixTime | None = None
    not_after: UnixTime | None = None
    windows: tuple[Window, ...] = ()

    def is_open(self, when: UnixTime) -> bool:
        """Return whether a session may be open at a moment."""
        if self.not_before is not None and when < self.not_before:
            return False
        if self.not_after is not None and when >= self.not_after:
            return False
        return not self.windows or any(window.is_open(when) for window in self.windows)

    def seconds_until_change(self, when: UnixTime) -> float | None:
        """Return the seconds after which `is_open` changes; None where it stays as it is."""
        begin, now_open = when, self.is_open(when)
        if self.not_before is not None and when < self.not_before:
            if self.is_open(self.not_before):
                return self.not_before - when
            begin = self.not_before
        if self.not_after is not None and begin >= self.not_after:
            return None
        for moment in self._moments(begin):
            if self.is_open(moment) != now_open:
                return moment - when
        return None

    def next_opening(self, when: UnixTime) -> UnixTime | None:
        """Return the first moment from one on at which a session may be open; None for never."""
        if self.is_open(when):
            return when
        seconds = self.seconds_until_change(when)
        return None if seconds is None else when + seconds

    def in_words(self, when: UnixTime) -> str:
        """Return a moment by the clock of the first window's zone, or UTC, in few words."""
        local = datetime.fromtimestamp(when, self.windows[0].zone if self.windows else _utc())
        name, zone = local.strftime("%Z"), getattr(local.tzinfo, "key", "")
        where = "" if zone == name else f" ({zone})"
        return f"{local:%a}, {local.day} {local:%b %Y, %H:%M} {name}{where}"

    def _moments(self, begin: UnixTime) -> Iterator[UnixTime]:
        """Yield the moments at which something may change, in their order."""
        if not self.windows:
            yield from () if self.not_after is None else (self.not_after,)
            return
        for _ in range(_HORIZON):
            end, found = begin + _SECONDS, set() if self.not_after is None else {self.not_after}
            for window in self.windows:
                found.update(window.moments(begin, end))
            yield from sorted(moment for moment in found if begin < moment <= end)
            if self.not_after is not None and end >= self.not_after:
                return
            begin = end


def parse_window(text: str) -> Window:
    """Read a window.

    Raises:
        ValueError: it is none; the message is a sentence without its beginning.
    """
    parts = text.split(" ")
    if len(parts) != 3 or len(text) > _LONGEST:
        raise ValueError(f"has to be days, times and a time zone, {_EXAMPLE}")
    days, (begin, end) = _days(parts[0]), _times(parts[1])
    length = (end - begin) if end > begin else end + _DAY - begin
    shifted = (((1 << length) - 1) << (_DAY * day + begin) for day in days)
    minutes = reduce(or_, shifted)
    return Window(_zone(parts[2]), minutes & _ALL_WEEK | minutes >> _WEEK)


def open_times(
    not_before: UnixTime | None, not_after: UnixTime | None, hours: Sequence[str]
) -> OpenTimes | None:
    """Return when a session may be open; None for at any time.

    Raises:
        ValueError: a text is no window.
    """
    if not_before is None and not_after is None and not hours:
        return None
    return OpenTimes(not_before, not_after, _windows(tuple(hours)))


def lie_within(hours: Sequence[str], most: Sequence[str]) -> bool:
    """Return whether windows are within others by the same clocks: those of the same time zones."""
    allowed = {window.zone.key: window.minutes for window in _windows(tuple(most))}
    return all(
        not window.minutes & ~allowed.get(window.zone.key, 0) for window in _windows(tuple(hours))
    )


@lru_cache(256)
def _windows(hours: tuple[str, ...]) -> tuple[Window, ...]:
    """Return one window for each zone."""
    of_zone: dict[ZoneInfo, int] = {}
    for each in map(parse_window, hours):
        of_zone[each.zone] = of_zone.get(each.zone, 0) | each.minutes
    return tuple(Window(zone, minutes) for zone, minutes in of_zone.items())


def _rotated(minutes: int) -> int:
    """Return the minutes, each a minute later."""
    return (minutes << 1) & _ALL_WEEK | minutes >> (_WEEK - 1)


def _days(text: str) -> set[int]:
    days: set[int] = set()
    for part in text.lower().split(","):
        first, dash, last = part.partition("-")
        if first not in _DAYS or (dash and last not in _DAYS):
            raise ValueError(f"has to begin with days like mon-fri or mon,wed, {_EXAMPLE}")
        begin = _DAYS.index(first)
        count = (_DAYS.index(last) - begin) % 7 if dash else 0
        days.update((begin + n) % 7 for n in range(count + 1))
    return days


def _times(text: str) -> tuple[int, int]:
    found = _TIMES.fullmatch(text)
    if found is None:
        raise ValueError("has to have times like 08:00-18:00 or 22:00-06:00 behind its days")
    begin, end = (60 * int(found[n]) + int(found[n + 1]) for n in (1, 3))
    if begin >= _DAY or end > _DAY:
        raise ValueError("has to begin before 24:00, and to end at 24:00 or before")
    if begin == end:
        raise ValueError("begins and ends at the same time; a whole day is 00:00-24:00")
    return begin, end


def _zone(text: str) -> ZoneInfo:
    """Return a time zone; files that are none of the database have names of small letters."""
    try:
        if _ZONE.fullmatch(text):
            return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise ValueError("has to end with a time zone that is known here, like Europe/Berlin or UTC")


def _utc() -> ZoneInfo:
    return ZoneInfo("UTC")
