"""Recordings of sessions: the file, and what writes and reads it.

`docs/recording.md` describes the file. In reading order:

- `events`: what a session's sides sent, and when.
- `sealing`: recordings that only the holder of a key can read.
- `chunks`: the parts of a file, each with the hash of all before it.
- `writing`: a session's events in, the bytes of a file out.
- `batch`: events that are written together.
- `tape`: collects the events of a session until they are written.
- `taps`: stages that copy what passes.
- `being_written`: whether a process still writes a file.
- `allowance`: how much recordings may take of a disk.
- `directory`: recordings as files.
- `recordings`: the recordings of this process.
- `reading`: the bytes of a file in, events out; what is wrong with a file.
- `playing`: the screen of a recording at any moment.
- `present`: the screen of a recording that is still written, as it is now.
- `showing`: the process that shows such screens.
- `video`: recordings as videos.
"""
