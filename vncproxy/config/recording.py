"""``[recording]``: which sessions are recorded, where, and for how long."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    PlainSerializer,
    PlainValidator,
    SecretStr,
    StringConstraints,
    model_validator,
)

from ..model import NO_VMS, Token, VMPatterns
from .amounts import Age, Size, size_of
from .secret import Secret
from .setting_types import PlainText, ServiceURL
from .table import Table

Recipient = Annotated[str, StringConstraints(pattern=r"^age1[02-9ac-hj-np-z]{58}$")]


def _patterns(value: Any) -> VMPatterns:
    if isinstance(value, VMPatterns):
        return value
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError('must be a list of patterns such as "kvm/web-*"')
    return VMPatterns.parse(value) if value else NO_VMS


def _texts(patterns: VMPatterns) -> list[str]:
    return list(patterns.texts)


def _is_public_key(text: str) -> bool:
    import pyrage

    try:
        pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        return False
    return True


Patterns = Annotated[
    VMPatterns,
    PlainValidator(_patterns),
    PlainSerializer(_texts, return_type=list[str]),
]


class S3(Table):
    """``[recording.s3]``: a bucket to which recordings are uploaded.

    Attributes:
        endpoint: a URL; empty for Amazon's of the region.
        prefix: stands before the names of all objects.
        access_key: empty for what boto3 finds, such as the role of the machine.
        path_style: whether the bucket's name is in the path, and not in the host's name.
        ca_file: of authorities; empty for those of the system.
        spool: a directory for what is not uploaded.
        spool_size: bytes that it may hold.
    """

    bucket: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$")]
    spool: Annotated[str, StringConstraints(pattern="^/")]
    endpoint: ServiceURL = ""
    prefix: Annotated[PlainText, StringConstraints(max_length=512, pattern="^([^/]|$)")] = ""
    region: PlainText = ""
    access_key: PlainText = ""
    secret_key: Secret = Field(default=SecretStr(""), repr=False)
    path_style: bool = True
    ca_file: str = ""
    spool_size: Size = size_of("50G")

    @model_validator(mode="after")
    def _both_keys(self) -> Self:
        if bool(self.access_key) != bool(self.secret_key.get_secret_value()):
            raise ValueError("access_key and secret_key stand together, or neither does")
        return self


class Keep(Table):
    """``[[recording.keep]]``: how long recordings are kept, and how many bytes of them.

    Attributes:
        vms: patterns for the machines; all where there are none.
        users: all where there are none.
        age: seconds since a recording was last written; None for any.
        size: bytes of all recordings that this rule decides; None for any.
    """

    vms: Patterns = Field(default=NO_VMS, json_schema_extra={"default": []})
    users: tuple[PlainText, ...] = ()
    age: Age | None = None
    size: Size | None = None


class Recording(Table):
    """``[recording]``: which sessions are recorded, where, and for how long.

    Attributes:
        directory: where the files go; empty for no recording.
        s3: the bucket that they go to; None for none.
        recipients: public keys of age; only the holders of their secret keys can read the files.
        keys: whether what users type is recorded.
        on_trouble: whether a session ends that cannot be recorded any more.
        vms: patterns for machines whose sessions are recorded, whatever their tokens say.
        users: users whose sessions are.
        reviewers: how many may follow sessions of a process while they are recorded; each has a
            process of its own.
        keep: rules for how long; the first that matches a recording decides.
    """

    directory: str = ""
    recipients: tuple[Recipient, ...] = ()
    keys: bool = False
    on_trouble: Literal["go-on", "end"] = "go-on"
    vms: Patterns = Field(default=NO_VMS, json_schema_extra={"default": []})
    users: tuple[PlainText, ...] = ()
    reviewers: Annotated[int, Field(ge=0, le=1000)] = 8
    s3: S3 | None = None
    keep: tuple[Keep, ...] = ()

    @model_validator(mode="after")
    def _in_one_place(self) -> Self:
        if self.s3 is not None and self.directory:
            raise ValueError("directory and [recording.s3] exclude each other; see its spool")
        return self

    @property
    def place(self) -> str:
        """The directory that sessions write to; empty where nothing is recorded."""
        return self.directory if self.s3 is None else self.s3.spool

    def wrong_recipients(self) -> list[str]:
        """Return the recipients that are no public keys of age, such as mistyped ones.

        Raises:
            ImportError: pyrage is not installed.
        """
        return [each for each in self.recipients if not _is_public_key(each)]

    def wants(self, token: Token) -> bool:
        """Return whether the session of a token is to be recorded."""
        by_configuration = self.vms.accepts(token.vm, token.vm.vm) or token.user in self.users
        return token.policy.record or by_configuration
