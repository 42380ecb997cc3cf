"""The messages of a server besides framebuffer updates."""

from __future__ import annotations

from ...errors import UpstreamViolation
from .format_changes import FormatChanges
from .walking import Walk

_AUDIO, _AUDIO_DATA, _LAST_AUDIO = 1, 2, 2


def walk_nothing(head: bytes, formats: FormatChanges) -> Walk:
    """Walk over a message that is its head: Bell, xvp."""
    yield 0


def walk_colours(head: bytes, formats: FormatChanges) -> Walk:
    """Walk over SetColourMapEntries."""
    yield -6 * int.from_bytes(head[4:6], "big")


def walk_cut_text(head: bytes, formats: FormatChanges) -> Walk:
    """Walk over ServerCutText; a negative length is the extended clipboard's."""
    yield -abs(int.from_bytes(head[4:8], "big", signed=True))


def walk_end_of_continuous_updates(head: bytes, formats: FormatChanges) -> Walk:
    """Walk over EndOfContinuousUpdates."""
    formats.end_continuous_updates()
    yield 0


def walk_fence(head: bytes, formats: FormatChanges) -> Walk:
    """Walk over a fence."""
    payload = yield head[8]
    formats.receive_fence(int.from_bytes(head[4:8], "big"), payload)


def walk_gii(head: bytes, formats: FormatChanges) -> Walk:
    """Walk over a message of gii, whose second byte has its byte order."""
    yield -int.from_bytes(head[2:4], "big" if head[1] & 0x80 else "little")


def walk_qemu(head: bytes, formats: FormatChanges) -> Walk:
    """Walk over QEMU's sound: begin, end, or data with 4 bytes of length."""
    operation = int.from_bytes(head[2:4], "big")
    if head[1] != _AUDIO or operation > _LAST_AUDIO:
        raise UpstreamViolation(f"QEMU message {head[1]} operation {operation} is not known")
    yield -int.from_bytes((yield 4), "big") if operation == _AUDIO_DATA else 0


def walk_vmware(head: bytes, formats: FormatChanges) -> Walk:
    """Walk over a message of VMware, whose length includes its head."""
    length = int.from_bytes(head[2:4], "big")
    if length < 4:
        raise UpstreamViolation(f"VMware message of {length} bytes")
    yield 4 - length
