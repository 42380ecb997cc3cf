"""Hostile streams of messages, nearly right: a viewer's, and a server's with known boundaries."""

from __future__ import annotations

import struct
import zlib
from random import Random

from tests.doubles import viewer_messages as viewer
from tests.doubles.server_messages import (
    LAST,
    MESSAGES,
    RECTANGLES,
    Rectangle,
    compressed,
    prefixed,
    tight,
    update,
)

FLAGS = (viewer.CAPS, viewer.REQUEST, viewer.PEEK, viewer.NOTIFY, viewer.PROVIDE, 1, 2, 4, 1 << 30)
ENCODINGS = (0, 1, 5, 7, 16, -223, -224, -239, -308, -312, -313, -316, -309, -305, -258, 1000)
SIZES = (0, 1, 3, 4, 8, 100, 1 << 16, 1 << 20, (1 << 20) + 1, 1 << 31, (1 << 32) - 1)
SAMPLES = (
    *viewer.CONTROLLING,
    *viewer.WATCHING,
    *viewer.SOUND,
    viewer.pixel_format(),
    viewer.pixel_format(8, 8, (7, 7, 3), (0, 3, 6)),
    viewer.caps(),
    viewer.cut_text(b"text"),
)


class Messages:
    """Generates streams.

    Args:
        random: decides.
    """

    def __init__(self, random: Random) -> None:
        self._random = random

    def of_viewer(self) -> bytes:
        """Return a viewer's stream: good messages, odd ones, and some that are spoiled."""
        messages = [self._announced()] if self._random.random() < 0.5 else []
        messages += [self._message() for _ in range(self._random.randint(1, 8))]
        return b"".join(self._spoilt(each) for each in messages)

    def of_server(self) -> tuple[list[bytes], bool]:
        """Return a server's messages, and whether they are as a server sends them."""
        messages = [self._server_message() for _ in range(self._random.randint(1, 5))]
        if self._random.random() < 0.6:
            return messages, True
        return [self._spoilt(each) for each in messages], False

    def pieces(self, data: bytes) -> list[bytes]:
        """Cut bytes anywhere, into some hundreds of pieces at most."""
        pieces = []
        most = max(self._random.choice((1, 3, 20, 300, 5000)), len(data) // 200)
        while data:
            size = self._random.randint(1, most)
            pieces.append(data[:size])
            data = data[size:]
        return pieces

    def _announced(self) -> bytes:
        encodings = self._random.sample(ENCODINGS, self._random.randint(0, len(ENCODINGS)))
        return viewer.set_encodings(*encodings, viewer.EXTENDED_CLIPBOARD)

    def _message(self) -> bytes:
        draw = self._random
        kind = draw.randrange(8)
        if kind < 3:
            return draw.choice(SAMPLES)
        if kind == 3:
            return self._announced()
        if kind == 4:
            return viewer.cut_text(bytes(draw.choice((0, 1, 9, 10, 11, 300))))
        if kind == 5:
            return viewer.fence(draw.choice((0, 1 << 31, 1 << 31 | 4, 4)), draw.choice((b"", b"a")))
        if kind == 6:
            return self._extended()
        head = bytes([draw.choice((0, 2, 6, 7, 127, 248, 251, 253, 255, draw.randrange(256)))])
        return head + draw.randbytes(3) + struct.pack(">I", draw.choice(SIZES)) + draw.randbytes(9)

    def _extended(self) -> bytes:
        flags = sum({self._random.choice(FLAGS) for _ in range(self._random.choice((1, 1, 2, 3)))})
        data = viewer.sized(*[bytes(self._random.choice((0, 5, 11, 4000)))] * flags.bit_count())
        body = zlib.compress(data) if flags & viewer.PROVIDE else bytes(self._random.choice((0, 4)))
        return viewer.extended(flags, body)

    def _server_message(self) -> bytes:
        draw = self._random
        if draw.random() < 0.4:
            return draw.choice(MESSAGES)
        if draw.random() < 0.2:
            return viewer.server_cut_text(draw.randbytes(draw.choice((0, 5, 3000))))
        rectangles = [self._rectangle() for _ in range(draw.randint(1, 5))]
        return (
            update(*rectangles, LAST, count=0xFFFF) if draw.random() < 0.3 else update(*rectangles)
        )

    def _rectangle(self) -> Rectangle:
        draw = self._random
        size = draw.choice((0, 1, 12, 127, 128, 2000, 16383, 16384))
        width, height = draw.randint(0, 40), draw.randint(0, 40)
        kind = draw.randrange(5)
        if kind == 0:
            return Rectangle("", width, height, 0, bytes(4 * width * height))
        if kind == 1:
            return Rectangle("", width, height, draw.choice((6, 16)), prefixed(size))
        if kind == 2:
            return Rectangle(
                "", width, height, 7, tight(0x90 | draw.randrange(16), compressed(size))
            )
        if kind == 3:
            return Rectangle("", 16 * width, 16, 5, bytes([4]) * 0 + (b"\4" + bytes(4)) * width)
        return draw.choice(RECTANGLES)

    def _spoilt(self, message: bytes) -> bytes:
        draw = self._random
        if draw.random() < 0.75:
            return message
        data = bytearray(message)
        for _ in range(draw.randint(1, 3)):
            at = draw.randrange(len(data))
            change = draw.randrange(3)
            if change == 0:
                data[at] = draw.choice((0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)))
            elif change == 1 and len(data) > 1:
                del data[at]
            else:
                data.insert(at, draw.randrange(256))
        return bytes(data)
