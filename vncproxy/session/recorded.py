"""Sessions that are recorded."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from ..errors import RecordingStopped, RecordingUnavailable
from ..interfaces import IStage
from .services import Services
from .state import SessionState

EVENT: Final = "recording"
"""The message to the page, whose member ``on`` says whether its session is recorded."""

NOTE: Final = " (recorded)"
"""What viewers without our page find behind the desktop's name."""


def record(
    session: SessionState, services: Services, server_init: bytes, stages: Sequence[IStage]
) -> Sequence[IStage]:
    """Begin to record a session; returns its stages with those that copy what passes.

    Raises:
        RecordingUnavailable: this proxy is not set up for it.
    """
    if services.recorder is None:
        raise RecordingUnavailable("[recording] directory is empty")
    stopped = partial(_stopped, session, services)
    info = session.info(services.reactor.seconds())
    from_server, to_server = services.recorder.record(info, server_init, stopped)
    session.is_recorded = True
    return from_server, *stages, to_server


def _stopped(session: SessionState, services: Services, why: str) -> None:
    session.is_recorded = False
    if services.ends_unrecorded:
        session.cancel(RecordingStopped(why))
    else:
        session.tell_page(EVENT, on=False)
