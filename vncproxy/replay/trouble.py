"""Why a recording cannot be played any further, in words."""

from __future__ import annotations

from twisted.logger import Logger

from ..errors import DownstreamViolation, VNCProxyError
from ..recording.chunks import Damaged


class TooExpensive(Exception):
    """What the server sent takes too long to decode, or needs too much room; says which."""


log = Logger()


def trouble_of(error: Exception) -> str:
    """Return a part of a sentence for reviewers; the log has the whole of an error of our own."""
    if isinstance(error, DownstreamViolation):
        return f"what the viewer sent cannot be read: {error.detail}"
    if isinstance(error, VNCProxyError):
        return f"what the server sent cannot be decoded: {error.detail}"
    if isinstance(error, Damaged):
        return f"the recording is damaged: {error}"
    if isinstance(error, TooExpensive):
        return str(error)
    if isinstance(error, MemoryError):
        return "what the server sent needs too much memory"
    log.failure("a recording cannot be decoded")
    return "what the server sent cannot be decoded"
