"""A bucket of S3-compatible storage: the calls that recordings need, and their errors in words."""

from __future__ import annotations

import base64
import hashlib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from ..text import printable
from .library import CannotRead, NoRecording

if TYPE_CHECKING:
    from datetime import datetime

CONNECT_TIMEOUT: Final = 5.0
READ_TIMEOUT: Final = 30.0
ATTEMPTS: Final = 3
"""How often the library tries a call, before it fails here."""

_PIECE: Final = 32 << 20

_LONGEST_MESSAGE: Final = 300
_GONE: Final = frozenset({"NoSuchKey", "404", "NotFound"})
_NO_UPLOAD: Final = "NoSuchUpload"


class BucketError(CannotRead):
    """The storage does not answer, or refuses.

    Attributes:
        code: of the refusal, such as ``AccessDenied``; empty where it did not answer.
    """

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


class NotInstalled(Exception):
    """The library for S3 is not installed."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a bucket is, and how to log in.

    Attributes:
        endpoint: a URL; empty for Amazon's of the region.
        prefix: stands before all names.
        access_key: empty for what the library finds itself, such as the role of a machine.
        path_style: whether the bucket's name is in the path, and not in the host's name.
        ca_file: of authorities; empty for those of the system.
    """

    bucket: str
    endpoint: str = ""
    prefix: str = ""
    region: str = ""
    access_key: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)
    path_style: bool = True
    ca_file: str = ""

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix} at {self.endpoint or 'Amazon'}"


@dataclass(frozen=True, slots=True)
class Stored:
    """An object.

    Attributes:
        name: without the prefix.
        changed_at: seconds since 1970, by the storage's clock.
        etag: without its quotation marks; of a list, empty.
    """

    name: str
    size: int
    changed_at: float
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an object that is not complete."""

    number: int
    size: int
    etag: str


class Bucket:
    """A bucket; every call may raise `BucketError`, and blocks for a minute or two at most.

    Args:
        client: of boto3, which threads may share.
    """

    def __init__(self, place: Place, client: Any) -> None:
        self.place = place
        self._client = client

    def put(self, name: str, data: bytes) -> str:
        """Write an object; returns its MD5, as the storage has confirmed it."""
        md5 = hashlib.md5(data, usedforsecurity=False)
        with _converted(name):
            self._client.put_object(
                **self._named(name), Body=data, ContentMD5=base64.b64encode(md5.digest()).decode()
            )
        return md5.hexdigest()

    def put_file(self, name: str, file: BinaryIO) -> None:
        """Write an object from a file, in parts where it is long."""
        data = file.read(_PIECE)
        if len(data) < _PIECE:
            self.put(name, data)
            return
        upload, tags = self.begin_parts(name), list[str]()
        try:
            while data:
                tags.append(self.put_part(name, upload, len(tags) + 1, data))
                data = file.read(_PIECE)
            self.complete(name, upload, tags)
        except BaseException:
            with suppress(BucketError):
                self.abort(name, upload)
            raise

    def read(self, name: str, first: int, size: int) -> bytes:
        """Return a range of an object, shorter at its end.

        Raises:
            NoRecording: there is no such object.
        """
        if size <= 0:
            return b""
        with _converted(name):
            wanted = f"bytes={first}-{first + size - 1}"
            try:
                body = self._client.get_object(**self._named(name), Range=wanted)["Body"]
                data: bytes = body.read()
            except Exception as e:
                if _code(e) == "InvalidRange":
                    return b""
                raise
        return data

    def look(self, name: str) -> Stored | None:
        """Return what an object is; None where there is none."""
        try:
            with _converted(name):
                found = self._client.head_object(**self._named(name))
        except NoRecording:
            return None
        etag = str(found.get("ETag", "")).strip('"')
        return Stored(name, found["ContentLength"], _seconds(found["LastModified"]), etag)

    def folders(self) -> Iterator[str]:
        """Yield the names of folders, without their slashes."""
        for page in self._pages("", Delimiter="/"):
            for each in page.get("CommonPrefixes", ()):
                yield each["Prefix"][len(self.place.prefix) : -1]

    def objects(self, beginning: str) -> Iterator[Stored]:
        """Yield the objects whose names begin with a text."""
        for page in self._pages(beginning):
            for each in page.get("Contents", ()):
                name = each["Key"][len(self.place.prefix) :]
                yield Stored(name, each["Size"], _seconds(each["LastModified"]))

    def delete(self, name: str) -> None:
        """Delete an object; one that is gone is no error."""
        with _converted(name):
            self._client.delete_object(**self._named(name))

    def begin_parts(self, name: str) -> str:
        """Begin an object that is written in parts; returns the upload's id."""
        with _converted(name):
            return str(self._client.create_multipart_upload(**self._named(name))["UploadId"])

    def put_part(self, name: str, upload: str, number: int, data: bytes) -> str:
        """Write a part; returns its tag."""
        md5 = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
        with _converted(name):
            answer = self._client.upload_part(
                **self._named(name), UploadId=upload, PartNumber=number, Body=data, ContentMD5=md5
            )
        return str(answer["ETag"]).strip('"')

    def parts(self, name: str, upload: str) -> list[Part] | None:
        """Return the parts that were written; None where there is no such upload any more."""
        pages = self._client.get_paginator("list_parts")
        try:
            with _converted(name):
                found = pages.paginate(**self._named(name), UploadId=upload)
                return [
                    Part(each["PartNumber"], each["Size"], each["ETag"].strip('"'))
                    for page in found
                    for each in page.get("Parts", ())
                ]
        except BucketError as e:
            if e.code == _NO_UPLOAD:
                return None
            raise

    def complete(self, name: str, upload: str, tags: Sequence[str]) -> None:
        """Make an object of its parts, whose tags are given in order."""
        parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]
        with _converted(name):
            self._client.complete_multipart_upload(
                **self._named(name), UploadId=upload, MultipartUpload={"Parts": parts}
            )

    def abort(self, name: str, upload: str) -> None:
        """Forget the parts of an upload; one that is gone is no error."""
        try:
            with _converted(name):
                self._client.abort_multipart_upload(**self._named(name), UploadId=upload)
        except BucketError as e:
            if e.code != _NO_UPLOAD:
                raise

    def uploads(self, name: str) -> list[str]:
        """Return the ids of the uploads of an object that are not complete."""
        with _converted(name):
            found = self._client.list_multipart_uploads(
                Bucket=self.place.bucket, Prefix=self._named(name)["Key"]
            )
        key = self._named(name)["Key"]
        return [each["UploadId"] for each in found.get("Uploads", ()) if each["Key"] == key]

    def _named(self, name: str) -> dict[str, str]:
        return {"Bucket": self.place.bucket, "Key": self.place.prefix + name}

    def _pages(self, beginning: str, **more: str) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator("list_objects_v2")
        with _converted(beginning):
            yield from pages.paginate(
                Bucket=self.place.bucket, Prefix=self.place.prefix + beginning, **more
            )


def open_bucket(place: Place, attempts: int = ATTEMPTS) -> Bucket:
    """Return a bucket; nothing is asked of it yet.

    Args:
        attempts: how often each call is tried.

    Raises:
        NotInstalled: boto3 is not installed.
        BucketError: what is given cannot be used.
    """
    try:
        import boto3
        from botocore.config import Config
    except ImportError as e:
        raise NotInstalled("boto3 is not installed: install vncproxy[s3]") from e
    config = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        retries={"mode": "standard", "total_max_attempts": attempts},
        s3={"addressing_style": "path" if place.path_style else "virtual"},
        # not every server knows the newer checksums; Content-MD5 is known by all
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        ignore_configured_endpoint_urls=True,
    )
    with _converted("the bucket"):
        client = boto3.session.Session().client(
            "s3",
            region_name=place.region or None,
            endpoint_url=place.endpoint or None,
            aws_access_key_id=place.access_key or None,
            aws_secret_access_key=place.secret_key or None,
            verify=place.ca_file or ssl.get_default_verify_paths().cafile or True,
            config=config,
        )
    return Bucket(place, client)


def _seconds(moment: datetime) -> float:
    return moment.timestamp()


def _code(error: Exception) -> str:
    answer = getattr(error, "response", None)
    found = answer.get("Error", {}) if isinstance(answer, dict) else {}
    return str(found.get("Code", ""))


@contextmanager
def _converted(name: str) -> Iterator[None]:
    """Turn what the library raises into errors of ours."""
    from botocore.exceptions import BotoCoreError, ClientError
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ClientError as e:
        code = _code(e)
        if code in _GONE:
            raise NoRecording(name) from e
        message = str(e.response.get("Error", {}).get("Message", ""))
        raise BucketError(_sentence(f"{code}: {message}"), code) from e
    except (BotoCoreError, HTTPError, OSError, ValueError) as e:
        raise BucketError(_sentence(str(e))) from e


def _sentence(text: str) -> str:
    return printable(text, _LONGEST_MESSAGE)
