"""Reads websockify's token files, one or a directory of them; it blocks, so it runs in a thread.

A line is ``token: host:port``; a ``#`` begins a comment only at a line's start.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...files import Version, version_of
from ...model import secret_id
from .target import Target

_SEPARATOR = re.compile(r":\s")
_USABLE = re.compile(r"[A-Za-z0-9_.-]{1,4096}")


@dataclass(frozen=True, slots=True)
class TokenFile:
    """One version of a file: targets by the SHA-256 of their tokens.

    Attributes:
        malformed: numbers of the lines that cannot be read.
        short: the SHA-256 of tokens that are refused since they could be guessed.
        unusable: numbers of the lines whose token is too short, or has odd characters.
        problem: why the file could not be read; empty when it could.
    """

    version: Version = (0, 0, 0)
    targets: Mapping[str, Target] = field(default_factory=dict, repr=False)
    malformed: tuple[int, ...] = ()
    short: frozenset[str] = field(default=frozenset(), repr=False)
    unusable: tuple[int, ...] = ()
    problem: str = ""


Files = Mapping[Path, TokenFile]


def read(source: Path, known: Files, shortest: int) -> Files:
    """Return all files of a source, in the order in which a later one overrules an earlier.

    Args:
        source: a file, or a directory whose regular files are read in order of their names.
        known: what was read before; unchanged files are taken from there.
        shortest: the least number of characters of a token.

    Raises:
        OSError: the source itself cannot be read.
    """
    if not source.is_dir():
        return {source: _read(source, known.get(source), shortest)}
    paths = sorted(path for path in source.iterdir() if path.is_file())
    return {path: _read_one_of_many(path, known.get(path), shortest) for path in paths}


def _read_one_of_many(path: Path, known: TokenFile | None, shortest: int) -> TokenFile:
    try:
        return _read(path, known, shortest)
    except OSError as e:
        return TokenFile(problem=e.strerror or "cannot be read")


def _read(path: Path, known: TokenFile | None, shortest: int) -> TokenFile:
    if known and version_of(path.stat()) == known.version:
        return known
    with path.open(encoding="utf-8", errors="replace") as file:
        return _parse(version_of(os.fstat(file.fileno())), file, shortest)


def _parse(version: Version, lines: Iterator[str], shortest: int) -> TokenFile:
    targets: dict[str, Target] = {}
    malformed: list[int] = []
    short: set[str] = set()
    unusable: list[int] = []
    for number, line in enumerate(map(str.strip, lines), 1):
        if not line or line.startswith("#"):
            continue
        try:
            token, value = _SEPARATOR.split(line)
            target = Target.parse(value)
        except ValueError:
            malformed.append(number)
            continue
        if len(token) >= shortest and _USABLE.fullmatch(token):
            targets[secret_id(token)] = target
            continue
        unusable.append(number)
        if len(token) < shortest:
            short.add(secret_id(token))
    return TokenFile(version, targets, tuple(malformed), frozenset(short), tuple(unusable))
