"""Filters and rewriters on the way of a session's bytes."""

from __future__ import annotations

from zope.interface import Attribute, Interface

from ..model import Direction


class IStage(Interface):
    """One step on the way of a session's bytes, without I/O: a filter, or a rewriter.

    It takes the bytes of one direction in pieces of any size and must give the same result for any
    segmentation. What it keeps of an unfinished message is bounded by itself.
    """

    direction: Direction = Attribute("Whose bytes it takes: a `vncproxy.model.Direction`.")

    def process(data: bytes) -> bytes:
        """Return what goes on now: nothing, or also more than came.

        Raises:
            VNCProxyError: ends the session with this error; nothing more goes on in its direction.
        """
