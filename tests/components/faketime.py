"""The wall clock of another process, set by libfaketime."""

from __future__ import annotations

from pathlib import Path

FAKETIME = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


class SetClock:
    """The wall clock of a process, which a test sets; its monotonic clock stays as it is."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self.set(0)

    def set(self, seconds: int) -> None:
        """Let the clock be this much ahead of the right time."""
        fresh = self._file.with_name("clock.new")
        fresh.write_text(f"{seconds:+d}\n")
        fresh.rename(self._file)

    def environment(self) -> dict[str, str]:
        assert FAKETIME, "libfaketime is not installed; make test installs it"
        return {
            "LD_PRELOAD": str(FAKETIME[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }
