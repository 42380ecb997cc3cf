"""A viewer's messages after the handshake (RFC 6143 section 7.5, and the registered extensions).

- `messages`: the messages as values.
- `layout`: how long each type of message is, and how it is read.
- `parser`: splits a viewer's stream, whatever pieces it arrives in.
"""

from __future__ import annotations

from .layout import MAX_CUT_TEXT, MAX_ENCODINGS, MAX_FENCE, MAX_SCREENS, read_message
from .messages import (
    ClientCutText,
    ClientMessage,
    EnableContinuousUpdates,
    ExtensionMessage,
    Fence,
    FramebufferUpdateRequest,
    KeyEvent,
    PointerEvent,
    QEMUAudioFormat,
    QEMUKeyEvent,
    SetDesktopSize,
    SetEncodings,
    SetPixelFormat,
    XvpRequest,
)
from .parser import ClientMessages, ClientPieces

__all__ = [
    "MAX_CUT_TEXT",
    "MAX_ENCODINGS",
    "MAX_FENCE",
    "MAX_SCREENS",
    "ClientCutText",
    "ClientMessage",
    "ClientMessages",
    "ClientPieces",
    "EnableContinuousUpdates",
    "ExtensionMessage",
    "Fence",
    "FramebufferUpdateRequest",
    "KeyEvent",
    "PointerEvent",
    "QEMUAudioFormat",
    "QEMUKeyEvent",
    "SetDesktopSize",
    "SetEncodings",
    "SetPixelFormat",
    "XvpRequest",
    "read_message",
]
