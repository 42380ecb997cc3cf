"""The stages that a session's policy puts on the way of its bytes.

A direction without stages is as it would be if there were none at all: nothing is called for it.
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
    stages: Sequence[IStage], direction: Direction, send: Send, over: Deferred[VNCProxyError]
) -> Send:
    """Return what takes a direction's bytes: ``send`` itself when no stage is in their way.

    Args:
        over: the relay's end; fired with the error of a stage that fails.
    """
    own = [stage for stage in stages if stage.direction is direction]
    return _Staged(own, send, over) if own else send


class _Staged:
    """The stages of one direction, and what sends on what they let through."""

    log = Logger()

    __slots__ = ("_over", "_send", "_stages")

    def __init__(self, stages: Sequence[IStage], send: Send, over: Deferred[VNCProxyError]) -> None:
        self._stages = stages
        self._send = send
        self._over = over

    def __call__(self, data: bytes) -> None:
        if self._over.called:
            return
        try:
            for stage in self._stages:
                data = stage.process(data)
        except VNCProxyError as e:
            self._over.callback(e)
        except Exception:  # noqa: BLE001 bytes that a defective stage has not seen must not go on
            self.log.failure("a stage failed")
            self._over.callback(HypervisorError("a defect: see the traceback above"))
        else:
            self._send(data)
