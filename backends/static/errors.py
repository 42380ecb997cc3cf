"""What is wrong with a file of consoles."""

from __future__ import annotations

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from .console import Console


def explain(error: ValueError) -> str:
    """Return what is wrong: the TOML parser names the line, pydantic the keys."""
    if not isinstance(error, ValidationError):
        return "not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)
    details = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{_key(each)}: {_explain_detail(each)}" for each in details)


def _key(detail: ErrorDetails) -> str:
    return ".".join(str(part) for part in detail["loc"])


def _explain_detail(detail: ErrorDetails) -> str:
    match detail["type"]:
        case "extra_forbidden":
            return f"unknown key; allowed are {', '.join(Console.model_fields)}"
        case "missing":
            return "is missing"
        case "model_type":
            return 'must be a table, such as { address = "10.0.0.5:5901" }'
        case _:
            return detail["msg"]
