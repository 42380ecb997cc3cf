"""Errors, the one shape of them."""

from __future__ import annotations

from typing_extensions import TypedDict


class Error(TypedDict):
    """What is wrong.

    Attributes:
        code: a fixed word, for programs.
        message: a sentence, for people.
        field: the member of the body (``policy.uses``) or the parameter that is wrong; null where
            there is none.
    """

    code: str
    message: str
    field: str | None


class ErrorAnswer(TypedDict):
    """The answer to every request that is not carried out."""

    error: Error
