"""All that is looked at in one recording, and what was found, in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .comparing import Verdict, compare
from .copied import wrong_in_copy
from .exported import verify, wrong_in_pictures, wrong_in_video
from .moments import Moment
from .played import play

VIDEO = ".webm"


def examine(title: str, recording: Path, viewer: str, moments: Sequence[Moment]) -> list[str]:
    """Print what is found in a recording, and return what is wrong."""
    verify(recording)
    verdict = compare(recording, viewer, moments)
    print(f"{title} {_words(verdict)}", flush=True)
    in_copy = wrong_in_copy(recording, verdict.pictures)
    played = play(recording, verdict.pictures)
    print(f"{title} {played}", flush=True)
    exported = wrong_in_pictures(recording, verdict.pictures)
    if not _has_changed([path for _, path in verdict.pictures]):
        verdict.wrong.append("the screen has never changed")
    at_rest = {each.shown.get(viewer) for each in moments if each.screen is not None}
    still = [each for each in verdict.pictures if each[1] in at_rest]
    exported += wrong_in_video(recording, VIDEO, still)
    wrong = verdict.wrong + in_copy + played.wrong + exported
    print(f"{title} {len(wrong)} wrong, exports included", flush=True)
    return wrong


def _has_changed(pictures: Sequence[Path]) -> bool:
    return len({path.read_bytes() for path in pictures}) >= len(pictures) // 4


def _words(verdict: Verdict) -> str:
    hourly = verdict.size / max(verdict.seconds, 1) * 3600 / 1e6
    return (
        f"{verdict.seconds:.0f} s, {verdict.updates} updates, {verdict.size / 1e6:.1f} MB, "
        f"{hourly:,.0f} MB an hour; of {verdict.moments} moments equal to the screen at "
        f"{verdict.equal}, to its viewer at {verdict.shown} and {verdict.moving} more in motion"
    )
