"""A viewer's messages as values; ``length`` is the size of the message in bytes."""

from __future__ import annotations

from dataclasses import dataclass

from ..pixels import PixelFormat


@dataclass(frozen=True, slots=True)
class SetPixelFormat:
    """Pixels are to be in this format from now on."""

    pixel_format: PixelFormat
    length: int = 20


@dataclass(frozen=True, slots=True)
class SetEncodings:
    """The encodings and pseudo-encodings the viewer understands, the best first."""

    encodings: tuple[int, ...]

    @property
    def length(self) -> int:
        """Size of the message in bytes."""
        return 4 + 4 * len(self.encodings)


@dataclass(frozen=True, slots=True)
class FramebufferUpdateRequest:
    """Requests a part of the screen; with ``incremental`` only what has changed."""

    incremental: bool
    x: int
    y: int
    width: int
    height: int
    length: int = 10


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """A key is pressed or released; ``keysym`` is its number in X11."""

    down: bool
    keysym: int
    length: int = 8


@dataclass(frozen=True, slots=True)
class PointerEvent:
    """The pointer's position; bit 0 of ``buttons`` is the left button, 3 and 4 are the wheel."""

    buttons: int
    x: int
    y: int
    length: int = 6


@dataclass(frozen=True, slots=True)
class ClientCutText:
    """The viewer's clipboard changed.

    It is returned as soon as its size is known; the text is skipped.

    Attributes:
        length: size of the message in bytes, header and text.
        extended: whether it belongs to the extended clipboard; else it is Latin-1 text.
    """

    length: int
    extended: bool = False


@dataclass(frozen=True, slots=True)
class EnableContinuousUpdates:
    """Updates of a part of the screen are to come without requests, or no more."""

    enabled: bool
    x: int
    y: int
    width: int
    height: int
    length: int = 10


@dataclass(frozen=True, slots=True)
class Fence:
    """A fence; bit 31 of ``flags`` requests an answer, bit 2 is SyncNext."""

    flags: int
    payload: bytes

    @property
    def length(self) -> int:
        """Size of the message in bytes."""
        return 9 + len(self.payload)


@dataclass(frozen=True, slots=True)
class XvpRequest:
    """The machine is to be shut down (2), rebooted (3) or reset (4)."""

    version: int
    code: int
    length: int = 4


@dataclass(frozen=True, slots=True)
class SetDesktopSize:
    """The screen is to be resized; ``screens`` is the number of monitors."""

    width: int
    height: int
    screens: int

    @property
    def length(self) -> int:
        """Size of the message in bytes."""
        return 8 + 16 * self.screens


@dataclass(frozen=True, slots=True)
class QEMUKeyEvent:
    """A key is pressed or released; ``keycode`` is its number on an XT keyboard."""

    down: int
    keysym: int
    keycode: int
    length: int = 12


@dataclass(frozen=True, slots=True)
class QEMUAudioFormat:
    """Sound is to be sent in this format; ``frequency`` is in hertz."""

    format: int
    channels: int
    frequency: int
    length: int = 10


@dataclass(frozen=True, slots=True)
class ExtensionMessage:
    """Another message of an extension, returned as soon as its size is known.

    Attributes:
        type: the message's first byte.
        subtype: the second byte where it selects the meaning (QEMU's 255, VMware's 127), else None.
        length: size of the message in bytes.
    """

    type: int
    subtype: int | None
    length: int


ClientMessage = (
    SetPixelFormat
    | SetEncodings
    | FramebufferUpdateRequest
    | KeyEvent
    | PointerEvent
    | ClientCutText
    | EnableContinuousUpdates
    | Fence
    | XvpRequest
    | SetDesktopSize
    | QEMUKeyEvent
    | QEMUAudioFormat
    | ExtensionMessage
)
