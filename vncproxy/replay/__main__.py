"""The process that makes playable copies, or follows a recording: ``python -m vncproxy.replay``."""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

NICENESS: Final = 19

MOST_MEMORY: Final = 3 << 30
"""Bytes of addresses; a security limit."""

_INTERVAL: Final = 0.25
"""Seconds between two lines of progress."""


def run(arguments: list[str]) -> int:
    """Run the command line; returns the exit status.

    While a copy is made, a line of JSON with ``progress`` is written to the standard output, again
    and again. Why there is none stands in one with ``why``.
    """
    options = _parser().parse_args(arguments)
    _be_modest(options.follow)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if options.parent:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    if options.follow:
        from .following import write_entries

        try:
            write_entries(options.file, sys.stdout.buffer)
        except OSError as e:
            print(f"{options.file}: {e.strerror or e}", file=sys.stderr)
            return 1
        return 0
    return _make(options.file, options.turn)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("vncproxy.replay", description=__doc__)
    parser.add_argument("file", type=Path, help="a recording")
    parser.add_argument("--follow", action="store_true", help="write its entries as they come")
    parser.add_argument("--parent", action="store_true", help="end when the standard input does")
    parser.add_argument("--turn", type=Path, help="a file that one process has at a time")
    return parser


def _be_modest(follows: bool) -> None:
    os.nice(0 if follows else NICENESS)
    for name in ("OPENBLAS", "OMP", "MKL"):
        os.environ[f"{name}_NUM_THREADS"] = "1"
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")  # rather than that of the sessions


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _make(file: Path, turn: Path | None) -> int:
    from .contents import CannotMake
    from .copying import copy_file
    from .turns import wait_for_turn

    try:
        with wait_for_turn(turn):
            copy_file(file, _Progress().show)
    except (CannotMake, OSError, MemoryError) as e:
        _say({"why": _why(e)})
        return 1
    except Exception:
        _say({"why": "an error of the proxy, which its log has"})
        raise
    return 0


def _why(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "it needs too much memory"
    return (isinstance(error, OSError) and error.strerror) or str(error)


class _Progress:
    """Writes lines of progress, a few a second."""

    def __init__(self) -> None:
        self._next = 0.0

    def show(self, done: float) -> None:
        if (now := time.monotonic()) >= self._next:
            self._next = now + _INTERVAL
            _say({"progress": round(done, 4)})


def _say(members: dict[str, object]) -> None:
    print(json.dumps(members), flush=True)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
