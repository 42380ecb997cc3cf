"""What a viewer holds down at the server, and the messages that release it."""

from __future__ import annotations

MOST_KEYS = 64
"""Keys that are held down at the same time; beyond them the oldest is released."""

_QEMU = 255


class HeldInput:
    """The keys and buttons that a viewer has pressed and not released.

    A key of a KeyEvent is known by its keysym, one of a QEMU extended key message by its keycode.

    Attributes:
        pointer: the viewer's last PointerEvent where it has pressed a button, else empty.
    """

    __slots__ = ("_keys", "pointer")

    def __init__(self) -> None:
        self._keys: dict[bytes, bytes] = {}
        self.pointer = b""

    @property
    def keys(self) -> int:
        """How many keys are held down."""
        return len(self._keys)

    def note_key(self, message: bytes) -> bytes:
        """Note a KeyEvent or a QEMU extended key message.

        Returns:
            What is to be sent before it: the release of the oldest key where too many are held.
        """
        if message[0] == _QEMU:
            down, name, released = any(message[2:4]), message[8:], b"\xff\0\0\0" + message[4:]
        else:
            down, name, released = message[1] > 0, message[4:], b"\4\0\0\0" + message[4:]
        name = message[:1] + name
        self._keys.pop(name, None)
        if not down:
            return b""
        self._keys[name] = released
        return self._keys.pop(next(iter(self._keys))) if len(self._keys) > MOST_KEYS else b""

    def note_pointer(self, message: bytes) -> None:
        """Note a PointerEvent."""
        self.pointer = message if message[1] else b""

    def release(self) -> bytes:
        """Return the messages that release everything, the latest key first; nothing is held then.

        The pointer stays where it is.
        """
        released = [*reversed(self._keys.values())]
        if self.pointer:
            released.append(self.pointer[:1] + b"\0" + self.pointer[2:])
        self._keys.clear()
        self.pointer = b""
        return b"".join(released)
