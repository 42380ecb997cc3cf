"""Absolute paths in settings, and versions of files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, TypeAdapter, ValidationError
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.files import absolute, version_of

PATH: TypeAdapter[Path] = TypeAdapter(Annotated[Path, AfterValidator(absolute("/etc/x.toml"))])
TEXT: TypeAdapter[str] = TypeAdapter(Annotated[str, AfterValidator(absolute("/etc/ca.pem"))])


class AbsoluteTests(SynchronousTestCase):
    def test_an_absolute_path_passes_and_so_does_no_path(self) -> None:
        self.assertEqual(PATH.validate_python("/etc/a"), Path("/etc/a"))
        self.assertEqual(TEXT.validate_python(""), "")

    def test_a_relative_one_is_refused_with_an_example(self) -> None:
        for relative in ("", "a", "./a"):
            with self.assertRaisesRegex(ValidationError, "such as /etc/x.toml"):
                PATH.validate_python(relative)
        with self.assertRaisesRegex(ValidationError, "such as /etc/ca.pem"):
            TEXT.validate_python("ca.pem")


class VersionTests(SynchronousTestCase):
    def test_another_content_is_another_version(self) -> None:
        path = Path(self.mktemp())
        path.write_text("one")
        before = version_of(path.stat())
        self.assertEqual(version_of(path.stat()), before)

        path.write_text("three")

        self.assertNotEqual(version_of(path.stat()), before)
