"""The description of the API as an OpenAPI 3.1 document, made from what routes and checks it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from itertools import groupby
from typing import Any

from ...answers import ErrorAnswer
from ..reply import JSON
from .component_schemas import component_schemas
from .operation import Operation
from .operations import OPERATIONS
from .problems import Problem

Document = Mapping[str, Any]

_ABOUT = """\
Tokens, machines, sessions and proxies of vncproxy, a console gateway for virtual machines.

Times are RFC 3339 in UTC, durations are seconds, sizes are bytes. A request's body has at most
64 KiB, and members that are not described here are refused; answers may get further members.
Each answer has an `X-Request-Id`, the one that was sent where it is sane (up to 64 of
`A-Z a-z 0-9 _ . : / + = -`); it stands in the log and in the audit, too.
Every error has one shape; `x-codes` are the codes that a status may have."""

_TAGS = {
    "tokens": "Links that open a console.",
    "keys": "Keys of the API that were created by it.",
    "vms": "The machines of all backends.",
    "screenshot": "Pictures of screens.",
    "screen": "Screens are waited for, and keys are typed at consoles.",
    "power": "Machines are started, stopped and reset.",
    "sessions": "Consoles that are open, at all proxies.",
    "recordings": "Recordings of sessions.",
    "proxies": "The proxies that share their tokens.",
    "events": "What goes on, as it happens.",
    "self": "What a key may do.",
    "zones": "Requests of other zones, which are signed.",
    "openapi.json": "This document.",
    "metrics": "Metrics for Prometheus.",
    "healthz": "Whether the process answers.",
    "readyz": "Whether a session could begin now.",
}
_KEY_IN = ("bearer", "header")
_SECURITY = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key; its roles are scopes. `admin` includes the others but `keys`, "
        "`shadow`, `approve`, `review` and `download`.",
    },
    "header": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
    "zone": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "Signed by the zone that asks: docs/zones.md.",
    },
}
_PLACES = {
    "token_id": ("The SHA-256 of the token's secret.", "^[0-9a-f]{64}$"),
    "key_id": ("The SHA-256 of the key.", "^[0-9a-f]{64}$"),
    "session_id": ("The id of the session.", "^[^/]+$"),
    "recorded_id": ("The id of the session that was recorded.", "^[^/]+$"),
    "proxy_id": ("The name or the id of the proxy.", "^[^/]+$"),
}
_LOCATION = {"description": "The path of what was made.", "schema": {"type": "string"}}
_LATER = "The guest or the hypervisor was asked, and does it later."
_LATE = "Done as far as it was confirmed in time; the other processes obey as soon as they can."


@cache
def document() -> Document:
    """Return the document; it is the same wherever the API is served."""
    roots = {f"{op.name}": op.answer for op in OPERATIONS if op.media_type == JSON}
    problems = {p.answer.__name__: p.answer for op in OPERATIONS for p in op.problems}
    bodies = {f"{op.name} body": op.body for op in OPERATIONS if op.body}
    refs, schemas = component_schemas({**roots, **problems, **bodies})
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        described = _operation(operation, refs)
        paths.setdefault(operation.path, {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": "vncproxy", "version": "1", "description": _ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": _SECURITY},
    }


@cache
def document_text() -> bytes:
    """Return the document as JSON."""
    return json.dumps(document(), ensure_ascii=False).encode() + b"\n"


def _operation(operation: Operation[Any], refs: Mapping[str, Document]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "security": _security(operation),
    }
    if operation.text:
        described["description"] = operation.text
    if parameters := [*_places(operation), *_query(operation), *_headers(operation)]:
        described["parameters"] = parameters
    if operation.body:
        content = {JSON: {"schema": refs[f"{operation.name} body"]}}
        described["requestBody"] = {"required": True, "content": content}
    return {**described, "responses": _responses(operation, refs)}


def _security(operation: Operation[Any]) -> list[dict[str, list[str]]]:
    if operation.signed:
        return [{"zone": []}]
    also = [scope.value for scope in operation.also]
    return [{place: [scope.value, *also]} for scope in operation.scopes for place in _KEY_IN]


def _places(operation: Operation[Any]) -> Iterable[Document]:
    for name in operation.places:
        text, pattern = _PLACES[name]
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": text,
            "schema": {"type": "string", "pattern": pattern},
        }


def _query(operation: Operation[Any]) -> Iterable[Document]:
    for each in operation.query:
        yield {"name": each.name, "in": "query", "description": each.text, "schema": each.schema}


def _headers(operation: Operation[Any]) -> Iterable[Document]:
    if operation.repeats:
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "Of one request, however often it is sent: for an hour, repetitions "
            "have no effect and get the same answer.",
            "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
        }
    if operation.tagged:
        yield {
            "name": "If-None-Match",
            "in": "header",
            "description": "The `ETag` of an answer that the caller has; several are separated by "
            "commas.",
            "schema": {"type": "string"},
        }


def _responses(operation: Operation[Any], refs: Mapping[str, Document]) -> dict[str, Any]:
    found = {str(operation.status): _good(operation, refs)}
    if operation.later:
        found["202"] = _content(_LATER, operation.media_type, refs[operation.name])
    if operation.may_be_unconfirmed:
        found["207"] = _content(_LATE, operation.media_type, refs[operation.name])
    if operation.tagged:
        found["304"] = {"description": "It is as the answer that the caller has."}
    for status, problems in groupby(operation.problems, key=lambda each: each.status):
        found[str(status)] = _bad(list(problems), refs)
    return dict(sorted(found.items()))


def _good(operation: Operation[Any], refs: Mapping[str, Document]) -> dict[str, Any]:
    schema = refs.get(operation.name, {"type": "string"})
    answer = _content("Done.", operation.media_type, schema)
    if operation.ids:
        answer["links"] = dict(_links(operation))
        if operation.status == HTTPStatus.CREATED:
            answer["headers"] = {"Location": _LOCATION}
    return answer


def _links(operation: Operation[Any]) -> Iterable[tuple[str, Document]]:
    """Yield the requests that can follow an answer, with what they take from it."""
    for name, pointer in operation.ids.items():
        taken = {name: f"$response.body#{pointer}"}
        for other in OPERATIONS:
            if name in other.places:
                yield other.name, {"operationId": other.name, "parameters": taken}


def _bad(problems: Sequence[Problem], refs: Mapping[str, Document]) -> dict[str, Any]:
    words = "\n".join(f"- `{each.code}`: {each.when}" for each in problems)
    kinds = {each.answer.__name__ for each in problems}
    kind = kinds.pop() if len(kinds) == 1 else ErrorAnswer.__name__
    answer = _content(words, JSON, refs[kind])
    answer["x-codes"] = [each.code for each in problems]
    return answer


def _content(text: str, media_type: str, schema: Document) -> dict[str, Any]:
    return {"description": text, "content": {media_type: {"schema": schema}}}
