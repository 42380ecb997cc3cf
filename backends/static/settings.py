"""What can be configured of a backend of type ``static``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from ...files import absolute
from .console import Console


class StaticSettings(BaseModel):
    """The table ``[backends.NAME]`` of type ``static``.

    Attributes:
        consoles: id of the VM -> its console.
        file: a TOML file with the same tables at its top level, read again when it changes; a
            console that stands in both is taken from ``consoles``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    consoles: dict[str, Console] = {}
    file: Annotated[Path, AfterValidator(absolute("/etc/vncproxy/x.toml"))] | None = None

    @model_validator(mode="after")
    def _has_a_source(self) -> StaticSettings:
        if self.file is None and not self.consoles:
            raise PydanticCustomError("source", "needs consoles = { … }, file = …, or both")
        return self
