"""The log of the process: lines of text or JSON, also for systemd's journal.

- `lines`: an event as a line.
- `observer`: writes events from a level on.
- `process`: under ``twistd`` and ``twist``, which have observers of their own.
- `outlets`: standard output or a file, and whether the journal reads it.
"""
