"""Recordings as they are played: copies that noVNC decodes from any of many moments on.

A recording has the bytes as the console's server sent them: in the pixel format that its viewer
chose, and in zlib streams that depend on all before. A playable copy has the same pixels in parts,
*segments*, that begin with the whole screen. `docs/recording.md` describes the file.

Nothing here but `translating` and what it needs decodes; that happens in processes of their own.

- `entries`: what is played, and when.
- `contents`: the table of contents, and the file.
- `png`: images of pixels.
- `encoding`: pixels as rectangles that can be decoded alone.
- `jpeg`: images that are kept as they are.
- `images`: those that are on the screen.
- `rectangles`: a decoder that passes on what it decodes.
- `viewer_messages`: what a viewer did.
- `translating`: events of a recording in, entries out.
- `trouble`: why there is no more.
- `budget`: what a recording may cost.
- `cutting`: where a segment ends.
- `segments`: writes them.
- `idling`: times in which nothing happens.
- `recent`: what the viewer did shortly before a segment.
- `making`: a recording in, its playable copy out.
- `copying`: the copy beside a recording's file.
- `turns`: one process at a time.
- `following`: a recording that is still being written.
- `__main__`: the process that makes copies, or follows a recording.
- `left`: recordings that have no copy yet.
- `indexer`: makes copies in the background.
"""

from __future__ import annotations

from .contents import (
    CannotMake,
    Contents,
    NoCopy,
    Segment,
    contents,
    copy_of,
    read_contents,
    read_segment,
    segment_of,
)
from .entries import Entry, Kind, MalformedSegment, unpack_entries
from .indexer import Indexer, follow_command

__all__ = [
    "CannotMake",
    "Contents",
    "Entry",
    "Indexer",
    "Kind",
    "MalformedSegment",
    "NoCopy",
    "Segment",
    "contents",
    "copy_of",
    "follow_command",
    "read_contents",
    "read_segment",
    "segment_of",
    "unpack_entries",
]
