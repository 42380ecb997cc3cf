"""The reference page of the API, docs/api-reference.md, made from the OpenAPI document.

``python -m vncproxy.api.v1.reference`` prints it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from .openapi import document
from .operations import OPERATIONS

Tree = Mapping[str, Any]

_HEAD = """\
# The HTTP API: reference

This page is made from `/v1/openapi.json` by `make reference`; [api.md](api.md) explains the API
with examples.

Every error is an [ErrorAnswer](#erroranswer). A key has one of the scopes that are named, or
`admin`. Every request may also fail with 500 `internal-error`, those with a key with 401
`unauthorized` and 403 `forbidden`.
"""
_EVERYWHERE = {"internal-error", "unauthorized", "forbidden"}


def reference() -> str:
    """Return the page as Markdown."""
    found = document()
    parts = [_HEAD, "## Requests\n"]
    for path, methods in found["paths"].items():
        parts += [_request(method.upper(), path, each) for method, each in methods.items()]
    parts += ["## Errors\n", *_table(("code", "status", "when"), _errors()), ""]
    parts.append("## Types\n")
    parts += [_type(name, each) for name, each in sorted(found["components"]["schemas"].items())]
    return "\n".join(parts)


def _request(method: str, path: str, operation: Tree) -> str:
    lines = [f"### {method} {path}\n", operation["summary"]]
    if more := operation.get("description"):
        lines.append(more)
    lines.append(f"\n{_needs(operation)}\n")
    if parameters := operation.get("parameters"):
        rows = ((each["name"], each["in"], each["description"]) for each in parameters)
        lines += [*_table(("parameter", "in", "what it is"), rows), ""]
    if body := operation.get("requestBody"):
        lines.append(f"Body: {_of_content(body)}.\n")
    lines += [*_table(("status", "answer"), _answers(operation)), ""]
    return "\n".join(lines)


def _needs(operation: Tree) -> str:
    schemes = [(name, roles) for each in operation["security"] for name, roles in each.items()]
    if not schemes:
        return "Needs no key."
    scopes = list(dict.fromkeys(role for _, roles in schemes for role in roles))
    return f"Scope: {_or(scopes)}." if scopes else "Signed by another zone."


def _answers(operation: Tree) -> Iterable[tuple[str, str]]:
    for status, answer in operation["responses"].items():
        codes = [code for code in answer.get("x-codes", ()) if code not in _EVERYWHERE]
        if "x-codes" not in answer:
            yield status, _of_content(answer)
        elif codes:
            yield status, ", ".join(f"`{code}`" for code in codes)


def _of_content(described: Tree) -> str:
    if "content" not in described:
        return "nothing"
    ((media_type, content),) = described["content"].items()
    schema = content["schema"]
    return _kind(schema) if "json" in media_type else f"`{media_type}`"


def _errors() -> Iterable[tuple[str, str, str]]:
    problems = dict.fromkeys(each for operation in OPERATIONS for each in operation.problems)
    for each in sorted(problems, key=lambda problem: (problem.code, problem.status)):
        yield f"`{each.code}`", str(each.status), each.when


def _type(name: str, schema: Tree) -> str:
    lines = [f"### {name}\n", schema["description"]]
    if "enum" in schema:
        lines.append(f"\n{_kind(schema)}")
    if members := schema.get("properties"):
        required = schema.get("required", ())
        rows = (_member(name, each, name in required) for name, each in members.items())
        lines += ["", *_table(("member", "type", "what it is"), rows)]
    return "\n".join([*lines, ""])


def _member(name: str, schema: Tree, required: bool) -> tuple[str, str, str]:
    words = schema.get("description", "")
    if "default" in schema:
        words += f" Default: `{json.dumps(schema['default'])}`."
    elif not required:
        words += " May be missing."
    return f"`{name}`", _kind(schema), words.strip()


def _kind(schema: Tree) -> str:
    """Return a type in a few words, with links to others."""
    match schema:
        case {"$ref": ref}:
            name = ref.rpartition("/")[2]
            return f"[{name}](#{name.lower()})"
        case {"anyOf": kinds}:
            return _or(dict.fromkeys(_kind(each) for each in kinds), plain=True)
        case {"enum": values}:
            return _or(values)
        case {"type": "array", "items": items}:
            return f"list of {_kind(items)}"
        case {"type": "object", "additionalProperties": dict(items)}:
            return f"object of {_kind(items)}"
        case {"type": kind, **more}:
            return " ".join([str(kind), *_limits(more)])
    return "any"


def _limits(schema: Tree) -> Iterable[str]:
    if "format" in schema:
        yield f"({schema['format']})"
    for keyword, sign in (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤")):
        if keyword in schema:
            yield f"{sign} {schema[keyword]}"


def _or(words: Iterable[str], *, plain: bool = False) -> str:
    return " or ".join(word if plain else f"`{word}`" for word in words)


def _table(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterable[str]:
    yield f"| {' | '.join(titles)} |"
    yield f"|{'---|' * len(titles)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


if __name__ == "__main__":
    sys.stdout.write(reference())
