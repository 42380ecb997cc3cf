"""Sessions that are recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from twisted.internet.defer import TimeoutError  # noqa: A004

from ..errors import RecordingStopped, RecordingUnavailable
from ..interfaces import IStage
from .services import Services
from .state import SessionState

EVENT: Final = "recording"
"""The message to the page, whose member ``on`` says whether its session is recorded."""

NOTE: Final = " (recorded)"
"""What viewers without our page find behind the desktop's name."""


LONGEST_BEGINNING: Final = 5.0
"""Seconds that a viewer waits until its recording has begun."""


def record(
    session: SessionState, services: Services, server_init: bytes, stages: Sequence[IStage]
) -> Sequence[IStage]:
    """Begin to record a session; returns its stages with those that copy what passes.

    Raises:
        RecordingUnavailable: this proxy is not set up for it, or has no room for it now.
    """
    if services.recorder is None:
        raise RecordingUnavailable("[recording] directory is empty")
    troubles: list[str] = []

    def on_trouble(why: str) -> None:
        troubles.append(why)
        if session.is_recorded:
            _stop(session, services, why)

    info = session.info(services.reactor.seconds())
    from_server, to_server = services.recorder.record(info, server_init, on_trouble)
    session.is_recorded = not troubles
    if troubles and services.ends_unrecorded:
        raise RecordingUnavailable(troubles[0])
    return from_server, *stages, to_server


async def await_beginning(session: SessionState, services: Services) -> None:
    """Wait until a session that must not go on without its recording is being recorded.

    Raises:
        RecordingUnavailable: the disk does not answer in time.
    """
    recorder = services.recorder
    if recorder is None or not (session.is_recorded and services.ends_unrecorded):
        return
    beginning = recorder.begin(session.id)
    try:
        await beginning.addTimeout(LONGEST_BEGINNING, services.reactor)
    except TimeoutError as e:
        raise RecordingUnavailable(f"nothing was written in {LONGEST_BEGINNING:g} s") from e


def _stop(session: SessionState, services: Services, why: str) -> None:
    session.is_recorded = False
    if services.ends_unrecorded:
        session.cancel(RecordingStopped(why) if session.is_open else RecordingUnavailable(why))
    else:
        session.tell_page(EVENT, on=False)
