"""Secrets in settings: written out, in a file, or in the environment.

`Secret` is the type of such a field. It is read once, becomes a ``SecretStr``, and appears in no
``repr`` and in no error.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, PlainValidator, SecretStr
from pydantic_core import PydanticCustomError

ERROR_TYPE: Final = "secret"
"""The type of every error about a secret; reports of it must not show the input."""

_FORMS = 'a string, { file = "/path" } or { env = "NAME" }'
_LONGEST = 65536


def _wrong(text: str, **facts: str) -> PydanticCustomError:
    return PydanticCustomError(ERROR_TYPE, text, facts)


def _from_file(path: str) -> str:
    try:
        with Path(path).open(encoding="utf-8") as file:
            value = file.readline(_LONGEST).rstrip("\r\n")
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise _wrong("the file {path} cannot be read: {why}", path=path, why=reason) from None
    except ValueError:
        raise _wrong("the file {path} is not UTF-8 text", path=path) from None
    if not value:
        raise _wrong("the first line of the file {path} is empty", path=path)
    return value


def _from_environment(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise _wrong("the environment variable {name} is not set", name=name)
    return value


def _read(source: Any) -> SecretStr:
    match source:
        case SecretStr():
            return source
        case str():
            return SecretStr(source)
        case {"file": str(path), **rest} if not rest:
            return SecretStr(_from_file(path))
        case {"env": str(name), **rest} if not rest:
            return SecretStr(_from_environment(name))
        case _:
            raise _wrong("must be {forms}", forms=_FORMS)


Secret = Annotated[SecretStr, PlainValidator(_read), Field(repr=False)]
"""A pydantic field that holds a secret.

It accepts a string, ``{ file = "/path" }`` (the first line, without its end) or
``{ env = "NAME" }``. The error for a missing file or variable names it, and never a value.
"""


def _required(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value():
        raise _wrong("must not be empty")
    return secret


RequiredSecret = Annotated[Secret, AfterValidator(_required)]
"""A `Secret` that is not empty."""
