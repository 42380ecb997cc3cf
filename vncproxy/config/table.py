"""What all tables of the configuration have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Table(BaseModel):
    """A table of the file."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,  # a default can contradict other keys of the file
        hide_input_in_errors=True,
        allow_inf_nan=False,
    )
