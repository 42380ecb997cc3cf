"""Whether the sessions that have to be recorded can be."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from ...addresses import is_loopback
from ..recording import Recording
from ..settings import Settings
from .finding import Finding, failure, good, warning

_DIRECTORY = "recording.directory"
_RECIPIENTS = "recording.recipients"


def check_recordings(settings: Settings) -> Iterator[Finding]:
    """Check the directory, as this user, and the public keys."""
    recording = settings.recording
    if recording.s3 is not None:
        yield _directory("recording.s3.spool", recording.s3.spool)
        yield from _clear_text(recording.s3.endpoint)
    elif recording.directory:
        yield _directory(_DIRECTORY, recording.directory)
    if recording.place:
        yield from _recipients(recording)
    elif recording.vms.texts or recording.users:
        yield warning(
            _DIRECTORY,
            "empty, so each session that vms or users name is refused",
            "name a directory",
        )


def _directory(option: str, text: str) -> Finding:
    path = Path(text)
    if not path.is_dir():
        return failure(option, f"{path} is no directory", "make it")
    if not os.access(path, os.W_OK | os.X_OK):
        return failure(option, f"{path} cannot be written", "let the proxy write to it")
    return good(option, f"{path} can be written")


def _clear_text(endpoint: str) -> Iterator[Finding]:
    parts = urlsplit(endpoint)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        text = f"recordings pass the network to {endpoint} in clear text"
        yield warning("recording.s3.endpoint", text, "name an https:// URL, or seal them")


def _recipients(recording: Recording) -> Iterator[Finding]:
    if not recording.recipients:
        return
    try:
        wrong = recording.wrong_recipients()
    except ImportError:
        yield failure(_RECIPIENTS, "pyrage is not installed", "install vncproxy[recording]")
        return
    for each in wrong:
        yield failure(_RECIPIENTS, f"{each} is no public key of age", "copy it again")
    if not wrong:
        yield good(_RECIPIENTS, f"{len(recording.recipients)} public keys")
