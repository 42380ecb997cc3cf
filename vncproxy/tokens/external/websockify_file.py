"""websockify's ``TokenFile``: tokens that another program writes into files, such as Sunstone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field
from twisted.logger import Logger
from zope.interface import implementer

from ...errors import BackendError, StoreUnavailable
from ...files import absolute
from ...interfaces import IHasWarnings, ITokenSource
from ...model import Grant, VMAddress, secret_id
from .context import SourceContext
from .grant import grant, too_short
from .servers import ServerSettings
from .target import Target
from .token_file import Files, TokenFile, read

_READ_TIME = 5.0


class TokenFilesSettings(ServerSettings):
    """The table ``[token_sources.NAME]`` of type ``websockify-file``.

    Attributes:
        path: a file, or a directory of files.
        shortest_token: characters; shorter tokens, which could be guessed, are refused.
    """

    path: Annotated[Path, AfterValidator(absolute("/etc/vncproxy/x"))]
    shortest_token: Annotated[int, Field(ge=1)] = 16


@implementer(IHasWarnings, ITokenSource)
class TokenFiles:
    """Tokens from files, which are read again whenever they have changed.

    They are looked up by their SHA-256, so that the duration of a refusal reveals nothing.
    """

    Settings = TokenFilesSettings
    log = Logger()

    def __init__(self, context: SourceContext) -> None:
        self._name = context.name
        self._settings: TokenFilesSettings = context.settings
        self._context = context
        self._files: Files = {}

    async def redeem(self, secret: str) -> Grant | None:
        """Return what a token allows, or None when no file has it."""
        key = secret_id(secret)
        target: Target | None = None
        files = await self._read()
        for file in files.values():
            target = file.targets.get(key, target)
        if target is None:
            if any(key in file.short for file in files.values()):
                raise too_short(self._name, secret, self._settings.shortest_token)
            return None
        vm = VMAddress(self._name, str(target))
        return grant(secret, vm, self._settings.endpoint(target), self._context.time())

    async def probe(self) -> str:
        """Read the files and count their tokens, and the lines that cannot be used."""
        files = (await self._read()).values()
        tokens = len({key for file in files for key in file.targets})
        malformed = sum(len(file.malformed) for file in files)
        unusable = sum(len(file.unusable) for file in files)
        unreadable = sum(bool(file.problem) for file in files)
        here = sum(
            map(self._settings.refuses, (t for file in files for t in file.targets.values()))
        )
        line = f"{tokens} tokens in {self._settings.path}"
        if malformed:
            line += f", {malformed} lines that are not 'token: host:port'"
        if unusable:
            line += f", {unusable} tokens shorter than {self._settings.shortest_token} characters "
            line += "(shortest_token) or with others than letters, digits, '_', '.' and '-'"
        if here:
            line += f", {here} tokens that lead to this machine itself, which addresses must name"
        if unreadable:
            line += f", {unreadable} files that cannot be read"
        return line

    def warnings(self) -> Sequence[str]:
        """Return what may be wrong in the table, and in the files as they were last read."""
        return [*self._settings.warnings(), *self._faults()]

    async def close(self) -> None:
        """Do nothing: no file is kept open."""

    def _faults(self) -> Iterator[str]:
        for path, file in self._files.items():
            if file.problem:
                yield f"{path}: {file.problem}"
            if file.malformed:
                yield f"{path}: not 'token: host:port' in lines {_few(file.malformed)}"
            if file.unusable:
                yield f"{path}: {self._refused(file)}"

    def _refused(self, file: TokenFile) -> str:
        return (
            f"tokens in lines {_few(file.unusable)} are refused: shorter than "
            f"{self._settings.shortest_token} characters (shortest_token), or with others than "
            "letters, digits, '_', '.' and '-'"
        )

    async def _read(self) -> Files:
        path, shortest = self._settings.path, self._settings.shortest_token
        try:
            files = await self._context.calls.call(_READ_TIME, read, path, self._files, shortest)
        except OSError as e:
            raise StoreUnavailable(f"{self._name}: {path}: {e.strerror or e}") from e
        except BackendError as e:
            raise StoreUnavailable(f"{self._name}: {path}: {e.detail}") from e
        self._log_changes(files)
        self._files = files
        return files

    def _log_changes(self, files: Files) -> None:
        """Log what is newly wrong with each file, without its content."""
        for path, file in files.items():
            before = self._files.get(path, TokenFile())
            if file.problem and file.problem != before.problem:
                self.log.error(
                    "{name}: {path}: {why}", name=self._name, path=str(path), why=file.problem
                )
            if file.malformed and file.malformed != before.malformed:
                self.log.error(
                    "{name}: {path}: not 'token: host:port' in lines {lines}",
                    name=self._name,
                    path=str(path),
                    lines=_few(file.malformed),
                )
            if file.unusable and file.unusable != before.unusable:
                self.log.warn(
                    "{name}: {path}: {refused}",
                    name=self._name,
                    path=str(path),
                    refused=self._refused(file),
                )


def _few(numbers: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, numbers[:10]))
    return f"{shown} and {len(numbers) - 10} more" if len(numbers) > 10 else shown
