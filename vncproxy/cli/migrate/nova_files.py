"""Reads files of Nova as Nova does, by oslo.config: several files, directories, ``$my_ip``."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from oslo_config import cfg

from ..failures import Misconfigured
from .nova_options import OPTIONS

_LOG = logging.getLogger("oslo_config")


class NovaFiles:
    """What stands in files of Nova.

    Args:
        files: a later one wins.
        folders: their ``*.conf`` come after the files, by name.

    Raises:
        Misconfigured: there is no such file, or it cannot be read.
    """

    def __init__(self, files: Sequence[Path], folders: Sequence[Path] = ()) -> None:
        self.files = [*files, *(found for folder in folders for found in _within(folder))]
        self._written = [_pairs(path) for path in self.files]
        self._config = cfg.ConfigOpts()
        for group, options in OPTIONS.items():
            self._config.register_opts(options, group=None if group == "DEFAULT" else group)
        self._register_words()
        _LOG.addHandler(logging.NullHandler())
        self._config(args=[], project="nova", default_config_files=[str(p) for p in self.files])

    def get(self, group: str, name: str) -> Any:
        """Return an option's value, the default where it is not written.

        Raises:
            Misconfigured: the value is invalid, or refers to an option that is not written.
        """
        try:
            where = self._config if group == "DEFAULT" else self._config[group]
            return where[name]
        except (ValueError, cfg.Error) as e:
            raise Misconfigured(f"[{group}] {name}: {_reason(e)}") from None

    def has(self, group: str, name: str) -> bool:
        """Tell whether an option is written, by any of its names."""
        where = self._config.get_location(name, None if group == "DEFAULT" else group)
        return where is not None and where.location is cfg.Locations.user

    def others(self) -> dict[str, list[str]]:
        """Return the names of all options that are written and not known here, by group."""
        known = set(_known())
        names = {pair: None for pairs in self._written for pair in pairs if pair not in known}
        groups: dict[str, list[str]] = {}
        for group, name in names:
            groups.setdefault(group, []).append(name)
        return groups

    def _register_words(self) -> None:
        """Let values refer to every option that is written, such as ``$my_ip``."""
        for group, names in self.others().items():
            options = [cfg.StrOpt(name) for name in names if name.isidentifier()]
            self._config.register_opts(options, group=None if group == "DEFAULT" else group)


def _within(folder: Path) -> Iterable[Path]:
    if not folder.is_dir():
        raise Misconfigured(f"{folder} is no directory")
    return sorted(folder.glob("*.conf"))


def _pairs(path: Path) -> list[tuple[str, str]]:
    sections: dict[str, dict[str, list[str]]] = {}
    try:
        cfg.ConfigParser(str(path), sections).parse()
    except OSError as e:
        raise Misconfigured(f"{path}: {e.strerror}") from None
    except UnicodeDecodeError:
        raise Misconfigured(f"{path} is no text in UTF-8") from None
    except cfg.ParseError as e:
        raise Misconfigured(
            f"{path} is no configuration of Nova: line {e.lineno}: {e.msg}"
        ) from None
    return [(_group(name), option) for name, options in sections.items() for option in options]


def _group(name: str) -> str:
    return "DEFAULT" if name.upper() == "DEFAULT" else name.lower()


def _known() -> Iterator[tuple[str, str]]:
    for group, options in OPTIONS.items():
        for option in options:
            yield group, option.name
            yield from ((str(old.group), str(old.name)) for old in option.deprecated_opts)


def _reason(error: Exception) -> str:
    if isinstance(error, cfg.NoSuchOptError):
        return "refers to an option that is not written in these files"
    return "the value is invalid"
