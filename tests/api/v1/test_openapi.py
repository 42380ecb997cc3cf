from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from jsonschema_rs import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import TypeAdapter

from tests.doubles.api import ApiTestCase
from tests.doubles.conformance import complaints
from vncproxy.answers import TokenPolicy
from vncproxy.api.v1.openapi import document
from vncproxy.api.v1.operations import OPERATIONS
from vncproxy.api.v1.routes import Api
from vncproxy.model import Policy


class DocumentTests(ApiTestCase):
    def test_is_one_of_openapi_3_1(self) -> None:
        self.assertEqual(list(OpenAPIV31SpecValidator(document()).iter_errors()), [])

    def test_is_served_without_a_key(self) -> None:
        answer = self.call("GET", "/v1/openapi.json", headers={})

        self.assertEqual((answer.status, answer.headers["content-type"]), (200, "application/json"))
        self.assertEqual(answer.body["openapi"], "3.1.0")

    def test_says_nothing_of_this_proxy(self) -> None:
        text = self.call("GET", "/v1/openapi.json", headers={}).text

        for told in ("console.example.com", "root", "esx", "0.1.0"):
            self.assertNotIn(f'"{told}', text)

    def test_every_route_is_an_operation_and_every_operation_a_route(self) -> None:
        routes = {
            (method, rule.rule)
            for rule in Api.app.url_map.iter_rules()
            for method in (rule.methods or set()) - {"HEAD"}
        }

        self.assertEqual(routes, {(each.method, each.rule) for each in OPERATIONS})

    def test_names_of_operations_differ(self) -> None:
        self.assertEqual(len({each.name for each in OPERATIONS}), len(OPERATIONS))

    def test_every_reference_leads_to_a_schema_that_is_one(self) -> None:
        schemas = document()["components"]["schemas"]
        named = set(_values(document(), "$ref"))

        self.assertEqual({f"#/components/schemas/{name}" for name in schemas}, named)
        for schema in schemas.values():
            Draft202012Validator({**schema, "components": {"schemas": schemas}})

    def test_every_schema_and_member_is_described_in_words(self) -> None:
        for name, schema in document()["components"]["schemas"].items():
            self.assertTrue(schema["description"].endswith("."), name)
            self.assertIsNone(re.search(r"``|\n", str(list(_values(schema, "description")))), name)

    def test_scopes_are_roles_of_a_key(self) -> None:
        show = document()["paths"]["/v1/tokens/{token_id}"]["get"]

        bearers = [each["bearer"] for each in show["security"] if "bearer" in each]
        self.assertEqual(bearers, [["issue"], ["read"]])

    def test_a_policy_is_answered_with_every_member_of_it(self) -> None:
        dumped = TypeAdapter(Policy).dump_python(Policy(), mode="json")

        self.assertEqual(set(dumped), set(TokenPolicy.__annotations__))

    def test_the_members_of_a_request_are_those_that_are_read(self) -> None:
        body = document()["components"]["schemas"]["TokenRequest"]
        told = self.issue(colour="red").error["message"]

        self.assertEqual(told, f"is not known; known are {', '.join(body['properties'])}")
        self.assertEqual(body["required"], ["vm", "user"])


class ComplaintTests(ApiTestCase):
    """What the other tests of the API rely on: a wrong answer is seen."""

    def seen(self, status: int, body: object) -> str:
        headers = {"content-type": "application/json"}
        return complaints("GET", "/v1/sessions", status, headers, json.dumps(body))

    def test_a_described_answer_is_right(self) -> None:
        self.assertEqual(self.seen(200, {"sessions": []}), "")

    def test_what_is_missing_or_new_or_of_another_type_is_seen(self) -> None:
        wrong: tuple[Any, ...] = (
            {},
            {"sessions": [], "more": 1},
            {"sessions": [{}]},
            {"sessions": None},
        )
        for body in wrong:
            self.assertNotEqual(self.seen(200, body), "", body)

    def test_a_status_or_code_that_is_not_described_is_seen(self) -> None:
        error = {"code": "token-unknown", "message": "", "field": None}

        self.assertIn("404 is not described", self.seen(404, {"error": error}))
        self.assertIn("token-unknown is not described", self.seen(503, {"error": error}))


def _values(tree: Any, name: str) -> Iterator[Any]:
    """Yield the values of all members of a name."""
    if isinstance(tree, dict):
        if name in tree:
            yield tree[name]
        for each in tree.values():
            yield from _values(each, name)
    elif isinstance(tree, list):
        for each in tree:
            yield from _values(each, name)
