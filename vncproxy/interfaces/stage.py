"""Filters and rewriters on the way of a session's bytes."""

from __future__ import annotations

from zope.interface import Attribute, Interface

from ..model import Direction


class IStage(Interface):
    """A filter or rewriter of one direction of a session's bytes, without I/O.

    It receives bytes in pieces of any size and must give the same result for any segmentation. It
    bounds what it keeps of an unfinished message.
    """

    direction: Direction = Attribute("The direction of its bytes: a `vncproxy.model.Direction`.")

    def process(data: bytes) -> bytes:
        """Return the bytes to pass on now: possibly none, or more than were received.

        Raises:
            VNCProxyError: ends the session with this error; no further byte is passed on in the
                stage's direction.
        """


class ITap(IStage):
    """A stage that changes nothing, and that a relay may give a copy instead of the bytes."""

    def copy(data: bytes | memoryview, seconds: float) -> bool:
        """Copy bytes that go on unchanged, in place of `process`.

        Args:
            data: valid until this returns.
            seconds: when they came, by the reactor's clock.

        Returns:
            Whether there is work for the reactor now, such as a new timer.
        """


class IGuard(Interface):
    """Lets a viewer's commonest messages pass without the stage, which is much dearer."""

    is_quiet: bool = Attribute(
        "Whether a whole PointerEvent without buttons passes as it is, and need not be noted."
    )

    def passes(buffer: bytearray, start: int, end: int) -> bool:
        """Return whether bytes of a buffer pass as they are; the guard has taken note of them.

        Where it returns False, nothing is noted, and the stage has to process them.
        """


class IViewerStage(IStage):
    """The stage for a viewer's messages of a session whose rights may change while it is open.

    It passes whole messages only, so its server is at the beginning of a message at any time.
    """

    guard: IGuard = Attribute("What says which bytes need not be processed.")

    def set_view_only(view_only: bool) -> bytes:
        """Keep what controls the machine from the console, or let it pass, from now on.

        Returns:
            What is to be sent to the server now: it releases what the viewer holds down, and
            announces the encodings that the viewer may announce from now on.
        """
