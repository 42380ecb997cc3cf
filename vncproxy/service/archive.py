"""Where recordings are kept: put together, where it is configured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from twisted.internet.defer import Deferred

from ..blocking import BoundedCalls
from ..config.recording import S3
from ..config.settings import Settings
from ..errors import BackendError, ConfigurationError
from .pruning import Pruning

if TYPE_CHECKING:
    from ..archive.bucket import Bucket, Place
    from ..archive.library import Library
    from ..archive.spool import Spool
    from ..archive.uploader import Uploader

CHECK_TIME: Final = 9.0
"""Seconds for all calls to a bucket of a check."""


@dataclass(slots=True)
class Archive:
    """The recordings that are kept.

    Attributes:
        library: lists, reads and deletes them, in threads.
        uploader: uploads them; None where they stay where they are written.
        pruning: deletes those that are kept no longer.
    """

    library: Library
    uploader: Uploader | None = None
    pruning: Pruning | None = None

    def start(self) -> None:
        """Begin what is done in the background."""
        if self.uploader is not None:
            self.uploader.start()
        if self.pruning is not None:
            self.pruning.start()

    def stop(self) -> None:
        """End it; what is under way goes on with the next process."""
        if self.uploader is not None:
            self.uploader.stop()
        if self.pruning is not None:
            self.pruning.stop()


def make_archive(settings: Settings, reactor: Any) -> Archive | None:
    """Return what keeps recordings; None where there are none.

    Raises:
        ConfigurationError: what speaks S3 is not installed.
    """
    wanted = settings.recording
    if not wanted.place:
        return None
    from ..archive.folder import FolderLibrary

    if wanted.s3 is None:
        return Archive(FolderLibrary(Path(wanted.directory)))
    if find_spec("boto3") is None:
        raise ConfigurationError("recording.s3: install vncproxy[s3]")
    from ..archive.s3 import S3Library
    from ..archive.uploader import Uploader

    open_bucket, spool = bucket_and_spool(wanted.s3)
    uploader = Uploader(open_bucket, spool, wanted.s3.spool_size)
    uploader.in_call = reactor.callFromThread
    return Archive(S3Library(open_bucket, spool), uploader)


def bucket_and_spool(s3: S3) -> tuple[Callable[[], Bucket], Spool]:
    """Return what opens a bucket, and the spool before it."""
    from ..archive.bucket import open_bucket
    from ..archive.spool import Spool

    return lambda: open_bucket(place_of(s3)), Spool(Path(s3.spool))


def place_of(s3: S3) -> Place:
    """Return where a bucket is."""
    from ..archive.bucket import Place

    return Place(
        s3.bucket,
        s3.endpoint,
        s3.prefix,
        s3.region,
        s3.access_key,
        s3.secret_key.get_secret_value(),
        s3.path_style,
        s3.ca_file,
    )


class BucketCheck:
    """Tries a bucket, for ``vncproxy check-config``.

    Args:
        calls: threads.
    """

    def __init__(self, s3: S3, calls: BoundedCalls) -> None:
        self._s3 = s3
        self._calls = calls

    def probe(self) -> Deferred[str]:
        """Return what was found; fails with `BackendError` where the bucket cannot be used."""
        return self._calls.call(CHECK_TIME, self._try)

    def __str__(self) -> str:
        return self._s3.endpoint or "Amazon"

    def _try(self) -> str:
        if find_spec("boto3") is None:
            raise BackendError("boto3 is not installed; install vncproxy[s3]")
        from ..archive.bucket import BucketError, open_bucket
        from ..archive.trying import try_bucket

        try:
            return try_bucket(open_bucket(place_of(self._s3), attempts=1))
        except BucketError as e:
            raise BackendError(str(e)) from e


def checks(settings: Settings, calls: BoundedCalls) -> dict[str, BucketCheck]:
    """Return what ``vncproxy check-config`` tries, by its table."""
    s3 = settings.recording.s3
    return {} if s3 is None else {"recording.s3": BucketCheck(s3, calls)}
