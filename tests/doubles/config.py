"""Backends and token sources of toys, and configurations that name them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.config.load import Settings, load
from vncproxy.config.secret import Secret
from vncproxy.errors import ConfigurationError

HASH = "sha256:" + "0" * 64


OTHER_HASH = "sha256:" + "1" * 64


class Toy(BaseModel):
    """A backend's settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: str
    port: int = Field(default=5900, ge=1)
    password: Secret = SecretStr("")
    passphrase: str = ""
    home: Path | None = None
    racks: dict[str, Rack] = {}
    spare: Rack | None = None


class Rack(BaseModel):
    """A table inside that of a backend."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    units: int | None = None


def toys(kind: str) -> type[BaseModel]:
    if kind != "toy":
        raise ConfigurationError(f"no backend {kind!r}; installed are toy")
    return Toy


class ToySource(BaseModel):
    """A token source's settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str


def toy_sources(kind: str) -> type[BaseModel]:
    if kind != "toy-file":
        raise ConfigurationError(f"no token source {kind!r}; known are toy-file")
    return ToySource


class LoadCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp())

    def load(self, text: str) -> Settings:
        self.path.write_text(dedent(text))
        return load(self.path, toys, toy_sources)

    def errors_in(self, text: str) -> list[str]:
        """Return the lines of the error, without the file that each begins with."""
        error = self.assertRaises(ConfigurationError, self.load, text)
        lines = error.detail.splitlines()
        for line in lines:
            self.assertTrue(line.startswith(f"{self.path}: "), line)
        return [line.removeprefix(f"{self.path}: ") for line in lines]

    def assert_mistake(self, text: str, line: str) -> None:
        self.assertEqual(self.errors_in(text), [line])
