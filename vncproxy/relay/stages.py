"""Runs the stages that a session's policy puts between the legs.

A direction without stages costs nothing: the leg calls the other leg's `Leg.send` itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ..errors import HypervisorError, VNCProxyError
from ..interfaces import IStage
from ..model import Direction

Send = Callable[[bytes], None]


def through(
    stages: Sequence[IStage], direction: Direction, send: Send, ended: Deferred[VNCProxyError]
) -> Send:
    """Return the receiver for a direction's bytes: ``send`` itself where there are no stages.

    Args:
        ended: fires when the relay ends; a stage that fails fires it with its error.
    """
    own = [stage for stage in stages if stage.direction is direction]
    return _Staged(own, send, ended) if own else send


class _Staged:
    """Passes the bytes of one direction through its stages, and sends the result."""

    log = Logger()

    __slots__ = ("_ended", "_send", "_stages")

    def __init__(
        self, stages: Sequence[IStage], send: Send, ended: Deferred[VNCProxyError]
    ) -> None:
        self._stages = stages
        self._send = send
        self._ended = ended

    def __call__(self, data: bytes) -> None:
        if self._ended.called:
            return
        try:
            for stage in self._stages:
                data = stage.process(data)
        except VNCProxyError as e:
            self._ended.callback(e)
        except Exception:  # noqa: BLE001 no byte may pass a defective stage
            self.log.failure("a stage failed")
            self._ended.callback(HypervisorError("a defect: see the traceback above"))
        else:
            self._send(data)
