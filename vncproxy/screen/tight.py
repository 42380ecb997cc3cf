"""Tight and TightPNG."""

from __future__ import annotations

import io
import warnings

import numpy as np
from PIL import Image, UnidentifiedImageError

from ..errors import UpstreamViolation
from .colours import Colours, Pixels
from .source import Inflating, Source

_FILL, _JPEG, _PNG = 8, 9, 10
_HAS_FILTER = 4
_COPY, _PALETTE, _GRADIENT = 0, 1, 2
_LEAST_COMPRESSED = 12
"""Fewer bytes of pixels are sent as they are."""


class TightStreams:
    """The four zlib streams of a session."""

    def __init__(self) -> None:
        self._streams = [Inflating() for _ in range(4)]

    def reset(self, control: int) -> None:
        """Begin anew the streams that a control byte names."""
        for number in range(4):
            if control >> number & 1:
                self._streams[number] = Inflating()

    def read(self, source: Source, number: int, size: int) -> bytes:
        """Return so many bytes, which are compressed unless they are few."""
        if size < _LEAST_COMPRESSED:
            return source.take(size)
        data = self._streams[number].inflate(source.take(compact_length(source)), size)
        if len(data) < size:
            raise UpstreamViolation(f"{len(data)} inflated bytes, expected {size}")
        return data


def decode_tight(source: Source, area: Pixels, colours: Colours, streams: TightStreams) -> None:
    """Read a rectangle in Tight or TightPNG.

    Raises:
        UpstreamViolation: it cannot be decoded.
    """
    control = source.byte()
    streams.reset(control)
    method = control >> 4
    if method in (_JPEG, _PNG):
        paste_image(source.take(compact_length(source)), area)
    elif method == _FILL:
        area[:] = colours.tight(source.take(_known(colours)))[0]
    elif method < _FILL:
        _decode_basic(source, area, colours, streams, method)
    else:
        raise UpstreamViolation(f"Tight rectangle of method {method}")


def _decode_basic(
    source: Source, area: Pixels, colours: Colours, streams: TightStreams, method: int
) -> None:
    height, width, _ = area.shape
    pixel, stream = _known(colours), method & 3
    kind = source.byte() if method & _HAS_FILTER else _COPY
    if kind == _PALETTE:
        count = source.byte() + 1
        palette = colours.tight(source.take(count * pixel))
        bits = 1 if count == 2 else 8
        data = streams.read(source, stream, (width * bits + 7) // 8 * height)
        area[:] = _indexed(data, palette, width, height, bits)
        return
    data = streams.read(source, stream, width * height * pixel)
    if kind == _GRADIENT:
        area[:] = _gradient(data, area.shape, colours)
    elif kind == _COPY:
        area[:] = colours.tight(data).reshape(area.shape)
    else:
        raise UpstreamViolation(f"Tight filter {kind}")


def _indexed(data: bytes, palette: Pixels, width: int, height: int, bits: int) -> Pixels:
    octets = np.frombuffer(data, np.uint8).reshape(height, (width * bits + 7) // 8)
    indices = np.unpackbits(octets, axis=1)[:, :width] if bits == 1 else octets
    if indices.size and indices.max() >= len(palette):
        raise UpstreamViolation(f"index {indices.max()} of {len(palette)} colours")
    return palette[indices]


def _gradient(data: bytes, shape: tuple[int, ...], colours: Colours) -> Pixels:
    """Undo the prediction of each pixel from those to the left and above.

    Raises:
        UpstreamViolation: the pixels have not 8 bits for each colour.
    """
    if colours.tight_size != 3:
        raise UpstreamViolation("Tight gradient filter with pixels of other than three bytes")
    height, width, _ = shape
    errors = np.frombuffer(data, np.uint8).reshape(shape).astype(np.int16)
    found = np.zeros((height + 1, width + 1, 3), np.int16)
    # a diagonal depends on the two before it alone
    for diagonal in range(height + width - 1):
        y = np.arange(max(0, diagonal - width + 1), min(height, diagonal + 1))
        x = diagonal - y
        guess = np.clip(found[y + 1, x] + found[y, x + 1] - found[y, x], 0, 255)
        found[y + 1, x + 1] = (guess + errors[y, x]) & 255
    return found[1:, 1:].astype(np.uint8)


def paste_image(data: bytes, area: Pixels) -> None:
    """Decode a JPEG or PNG image into an area of its size.

    Raises:
        UpstreamViolation: it cannot be decoded, or is of another size.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as image:
                if image.size != (area.shape[1], area.shape[0]):
                    raise UpstreamViolation(f"an image of {image.size} in a rectangle {area.shape}")
                area[:] = np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError, Warning) as e:
        raise UpstreamViolation(f"an image cannot be read: {type(e).__name__}") from e


def _known(colours: Colours) -> int:
    if not colours.tight_size:
        raise UpstreamViolation("Tight with a pixel format of 32 bits of which 24 are not used")
    return colours.tight_size


def compact_length(source: Source) -> int:
    """Read a length of one to three bytes, of which the first have the lowest bits."""
    byte = source.byte()
    length = byte & 0x7F
    if byte & 0x80:
        byte = source.byte()
        length |= (byte & 0x7F) << 7
        if byte & 0x80:
            length |= source.byte() << 14
    return length
