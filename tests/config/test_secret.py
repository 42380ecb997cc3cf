from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.config.secret import ERROR_TYPE, Secret


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    password: Secret = SecretStr("")


def password(source: Any) -> str:
    return Table.model_validate({"password": source}).password.get_secret_value()


class SecretTests(SynchronousTestCase):
    def refusal(self, source: Any) -> str:
        error = self.assertRaises(ValidationError, Table, password=source)
        (only,) = error.errors()
        self.assertEqual(only["type"], ERROR_TYPE)
        self.assertEqual(only["loc"], ("password",))
        return str(only["msg"])

    def file(self, content: bytes) -> str:
        path = Path(self.mktemp())
        path.write_bytes(content)
        return str(path)

    def test_a_string_is_the_secret(self) -> None:
        self.assertEqual(password("horse"), "horse")

    def test_a_secret_that_was_read_already_is_kept(self) -> None:
        self.assertEqual(password(SecretStr("horse")), "horse")

    def test_a_file_gives_its_first_line_without_the_end(self) -> None:
        self.assertEqual(password({"file": self.file(b" horse \r\nsecond\n")}), " horse ")

    def test_an_environment_variable_gives_its_value(self) -> None:
        with patch.dict(os.environ, {"VNCPROXY_TEST": "horse"}):
            self.assertEqual(password({"env": "VNCPROXY_TEST"}), "horse")

    def test_it_is_read_in_a_document_of_strict_types_too(self) -> None:
        table = Table.model_validate_json('{"password": "horse"}', strict=True)
        self.assertEqual(table.password.get_secret_value(), "horse")

    def test_a_missing_file_is_named_with_the_reason(self) -> None:
        self.assertEqual(
            self.refusal({"file": "/nowhere/key"}),
            "the file /nowhere/key cannot be read: No such file or directory",
        )

    def test_an_empty_first_line_is_refused(self) -> None:
        path = self.file(b"\nhorse\n")
        self.assertEqual(
            self.refusal({"file": path}), f"the first line of the file {path} is empty"
        )

    def test_a_file_that_is_not_text_is_refused(self) -> None:
        path = self.file(b"\xff\xfe")
        self.assertEqual(self.refusal({"file": path}), f"the file {path} is not UTF-8 text")

    def test_a_missing_variable_is_named(self) -> None:
        with patch.dict(os.environ, clear=True):
            self.assertEqual(
                self.refusal({"env": "VNCPROXY_TEST"}),
                "the environment variable VNCPROXY_TEST is not set",
            )

    def test_other_shapes_are_refused_with_the_three_that_are_allowed(self) -> None:
        for source in (5, True, None, {}, {"file": 3}, {"env": "A", "file": "/b"}, ["horse"]):
            with self.subTest(source=source):
                self.assertEqual(
                    self.refusal(source),
                    'must be a string, { file = "/path" } or { env = "NAME" }',
                )

    def test_the_value_stands_in_no_repr(self) -> None:
        table = Table(password=SecretStr("horse"))
        self.assertNotIn("horse", repr(table) + str(table) + repr(table.password))

    def test_a_refusal_never_holds_the_value(self) -> None:
        error = self.assertRaises(ValidationError, Table, password={"value": "horse"})
        self.assertNotIn("horse", error.errors()[0]["msg"])
