"""A VNC server that sends its screen as H.264 (encoding 50), or Raw to viewers without it.

PyAV encodes it. QEMU and TigerVNC have no such encoder; the wire format is that of the registry
of RFB.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import numpy

Colour = tuple[int, int, int]
H264, RAW = 50, 0
RESET_ALL_CONTEXTS = 2
WIDTH, HEIGHT = 320, 192
PIXELS = struct.pack(">BBBBHHHBBB3x", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)
LENGTHS = {0: 19, 3: 9, 4: 7, 5: 5}
"""The messages of viewers whose length is fixed, without their first byte (RFC 6143 7.5)."""


class H264Server:
    """Serves viewers on a free port, each with frames of these colours, one after each request.

    Attributes:
        encodings: what the viewers have announced, one list for each SetEncodings.
        sent: the encoding of each rectangle that was sent.
    """

    def __init__(self, *colours: Colour) -> None:
        self._colours = colours
        self.encodings: list[tuple[int, ...]] = []
        self.sent: list[int] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        """Take no more viewers."""
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                viewer, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(viewer,), daemon=True).start()

    def _serve(self, viewer: socket.socket) -> None:
        with viewer, viewer.makefile("rb") as stream:
            try:
                self._greet(viewer, stream)
                self._talk(viewer, stream)
            except (OSError, EOFError, struct.error):
                return

    def _greet(self, viewer: socket.socket, stream: Any) -> None:
        viewer.sendall(b"RFB 003.008\n")
        stream.read(12)
        viewer.sendall(b"\1\1")
        stream.read(1)
        viewer.sendall(bytes(4))
        stream.read(1)
        viewer.sendall(struct.pack(">HH", WIDTH, HEIGHT) + PIXELS + struct.pack(">I", 4) + b"h264")

    def _talk(self, viewer: socket.socket, stream: Any) -> None:
        rectangles: Iterator[bytes] | None = None
        while kind := stream.read(1):
            if kind[0] == 2:
                (count,) = struct.unpack(">xH", stream.read(3))
                self.encodings.append(struct.unpack(f">{count}i", stream.read(4 * count)))
            elif kind[0] == 6:
                stream.read(abs(int.from_bytes(stream.read(7)[3:], "big", signed=True)))
            else:
                stream.read(LENGTHS[kind[0]])
            if kind[0] == 3:
                rectangles = rectangles or self._rectangles(H264 in self.encodings[-1])
                if rectangle := next(rectangles, b""):
                    viewer.sendall(struct.pack(">BxH", 0, 1) + rectangle)

    def _rectangles(self, knows_it: bool) -> Iterator[bytes]:
        place = struct.pack(">HHHH", 0, 0, WIDTH, HEIGHT)
        if knows_it:
            flags = RESET_ALL_CONTEXTS
            for data in encoded(self._colours):
                self.sent.append(H264)
                yield place + struct.pack(">iII", H264, len(data), flags) + data
                flags = 0
        for red, green, blue in () if knows_it else self._colours:
            self.sent.append(RAW)
            # in the format that noVNC asks for
            pixels = bytes((red, green, blue, 0)) * (WIDTH * HEIGHT)
            yield place + struct.pack(">i", RAW) + pixels


def encoded(colours: tuple[Colour, ...]) -> Iterator[bytes]:
    """Encode one frame of each colour as H.264, in Annex B: a key frame, and what follows it."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.options = {
        "tune": "zerolatency",
        "preset": "ultrafast",
        "profile": "baseline",
        "x264-params": "sliced-threads=0",  # noVNC takes each slice for a frame
    }
    encoder.time_base = encoder.framerate = Fraction(1)
    for moment, colour in enumerate(colours):
        frame = av.VideoFrame.from_ndarray(
            numpy.full((HEIGHT, WIDTH, 3), colour, dtype=numpy.uint8), format="rgb24"
        )
        frame = frame.reformat(format="yuv420p")
        frame.pts = moment
        yield b"".join(bytes(packet) for packet in encoder.encode(frame))
