"""Whether a bucket lets recordings be written, read, listed and deleted."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from .bucket import Bucket, BucketError
from .library import NoRecording

T = TypeVar("T")


def try_bucket(bucket: Bucket) -> str:
    """Do once what recordings need, with an object that is deleted again; returns a sentence.

    Raises:
        BucketError: what the storage refuses, and with which words.
    """
    name = f".check-{secrets.token_hex(8)}"
    data = secrets.token_bytes(64)
    _call("write", lambda: bucket.put(name, data))
    try:
        if _call("read", lambda: bucket.read(name, 0, len(data))) != data:
            raise BucketError("what is read is not what was written")
        _call("look up", lambda: bucket.look(name))
        if not _call("list", lambda: list(bucket.objects(name))):
            raise BucketError("what was written is not in the list")
        upload = _call("begin an upload in parts of", lambda: bucket.begin_parts(name))
        _call("list the parts of", lambda: bucket.parts(name, upload))
        _call("abort an upload of", lambda: bucket.abort(name, upload))
    except BaseException:
        with suppress(BucketError):
            bucket.delete(name)
        raise
    _call("delete", lambda: bucket.delete(name))
    return f"{bucket.place} can be written, read, listed and deleted from"


def _call(what: str, call: Callable[[], T]) -> T:
    try:
        return call()
    except NoRecording as e:
        raise BucketError(f"cannot {what} an object: there is none") from e
    except BucketError as e:
        raise BucketError(f"cannot {what} an object: {e}", e.code) from e
