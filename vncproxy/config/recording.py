"""``[recording]``: which sessions are recorded, and where."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PlainSerializer, PlainValidator, StringConstraints

from ..model import NO_VMS, Token, VMPatterns
from .setting_types import PlainText
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


class Recording(Table):
    """``[recording]``: which sessions are recorded, and where.

    Attributes:
        directory: where the files go; empty for no recording.
        recipients: public keys of age; only the holders of their secret keys can read the files.
        keys: whether what users type is recorded.
        on_trouble: whether a session ends that cannot be recorded any more.
        vms: patterns for machines whose sessions are recorded, whatever their tokens say.
        users: users whose sessions are.
        reviewers: how many may follow sessions of a process while they are recorded; each has a
            process of its own.
    """

    directory: str = ""
    recipients: tuple[Recipient, ...] = ()
    keys: bool = False
    on_trouble: Literal["go-on", "end"] = "go-on"
    vms: Annotated[
        VMPatterns,
        PlainValidator(_patterns),
        PlainSerializer(_texts, return_type=list[str]),
    ] = Field(default=NO_VMS, json_schema_extra={"default": []})
    users: tuple[PlainText, ...] = ()
    reviewers: Annotated[int, Field(ge=0, le=1000)] = 8

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
