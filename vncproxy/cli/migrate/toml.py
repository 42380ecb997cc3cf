"""Pieces of a configuration as text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator


def blocks(parts: Iterable[Iterable[str]]) -> str:
    """Return lines as text, with an empty line between those of two parts."""
    return "\n\n".join("\n".join(lines) for part in parts if (lines := list(part))) + "\n"


def toml(value: str | bool | float | list[str]) -> str:
    """JSON's strings, numbers and lists of strings are TOML as well."""
    return json.dumps(value, ensure_ascii=False)


def keys(values: dict[str, str]) -> Iterator[str]:
    """Yield a line for each value that is not empty."""
    return (f"{name} = {toml(value)}" for name, value in values.items() if value)


def endpoint(host: str, port: int, certificate: str = "", key: str = "") -> str:
    """Return Twisted's endpoint string of a port, with TLS where there is a certificate."""
    text = f"tcp:{port}"
    if certificate:
        text = f"ssl:{port}:privateKey={escaped(key or certificate)}:certKey={escaped(certificate)}"
    return f"{text}:interface={escaped(host)}" if host else text


def escaped(text: str) -> str:
    """Return text as a word of an endpoint string."""
    return text.replace("\\", "\\\\").replace(":", "\\:")
