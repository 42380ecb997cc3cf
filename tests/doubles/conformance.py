"""Compares answers of the API with what ``/v1/openapi.json`` says of them, member by member."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any
from urllib.parse import unquote

from jsonschema_rs import Draft202012Validator
from werkzeug.exceptions import HTTPException

from vncproxy.api.v1.openapi import document
from vncproxy.api.v1.operations import OPERATIONS
from vncproxy.api.v1.routes import Api

NOT_ROUTED = {(404, "not-found"), (405, "method-not-allowed"), (400, "bad-request")}


def complaints(method: str, path: str, status: int, headers: Mapping[str, str], text: str) -> str:
    """Return how an answer differs from its description, or nothing.

    Members that are not described are complaints, too, though clients have to take them. An answer
    to ``HEAD`` has no body.
    """
    operation = _operation(method, path)
    if operation is None:
        found = (status, json.loads(text)["error"]["code"]) if text else (status, "")
        return "" if found in NOT_ROUTED else f"no operation answers {found}"
    described = operation["responses"].get(str(status))
    if described is None:
        return f"{status} is not described: {text}"
    media_type = headers.get("content-type", "").partition(";")[0]
    if "content" not in described:
        return text
    if not any(fnmatchcase(media_type, kind) for kind in described["content"]):
        return f"content type {media_type}"
    if missing := {name.lower() for name in described.get("headers", ())} - headers.keys():
        return f"headers {missing}"
    return _of_body(described, media_type, text)


def _of_body(described: Any, media_type: str, text: str) -> str:
    if media_type != "application/json" or not text:
        return ""
    body = json.loads(text)
    if "x-codes" in described and body["error"]["code"] not in described["x-codes"]:
        return f"the code {body['error']['code']} is not described"
    validator = _validator(json.dumps(described["content"][media_type]["schema"]))
    return "; ".join(str(error) for error in validator.iter_errors(body))


def _operation(method: str, path: str) -> Any:
    urls = Api.app.url_map.bind("localhost")
    try:
        rule, _ = urls.match(unquote(path.partition("?")[0]), method, return_rule=True)
    except HTTPException:
        return None
    (found,) = [
        each.path
        for each in OPERATIONS
        if each.rule == rule.rule and each.method == method.replace("HEAD", "GET")
    ]
    return document()["paths"][found][method.replace("HEAD", "GET").lower()]


@cache
def _validator(schema: str) -> Draft202012Validator:
    components = _closed(document()["components"])
    return Draft202012Validator({**json.loads(schema), "components": components})


def _closed(schema: Any) -> Any:
    """Return a schema whose objects take no other members than those it names."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(each) for name, each in schema.items()}
    return {**closed, "additionalProperties": False} if _is_object(schema) else closed


def _is_object(schema: dict[str, Any]) -> bool:
    return schema.get("type") == "object" and isinstance(schema.get("properties"), dict)
