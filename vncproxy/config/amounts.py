"""Spans of time and numbers of bytes, as people write them: ``90d``, ``500G``."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from pydantic import PlainValidator

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_BYTES: Final = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40, "P": 1 << 50}

_AGE: Final = re.compile("([1-9][0-9]{0,8})([smhdw])")
_SIZE: Final = re.compile("([1-9][0-9]{0,14})([KMGTP]?)")


def age_of(value: Any) -> float:
    """Return the seconds of a text such as ``12h``, ``90d`` or ``4w``.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, float):
        return value
    found = _AGE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError('must be a number with s, m, h, d or w, such as "90d"')
    return float(int(found[1]) * _SECONDS[found[2]])


def size_of(value: Any) -> int:
    """Return the bytes of a text such as ``500G``, in powers of 1024, or of a number.

    Raises:
        ValueError: it is none.
    """
    if type(value) is int and value > 0:
        return value
    found = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError('must be a number of bytes, or one with K, M, G, T or P, such as "500G"')
    return int(found[1]) * _BYTES[found[2]]


Age = Annotated[float, PlainValidator(age_of)]
Size = Annotated[int, PlainValidator(size_of)]
