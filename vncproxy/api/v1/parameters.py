"""Values that stand in queries."""

from __future__ import annotations

from pydantic import TypeAdapter, ValidationError

from ...model import VMAddress
from ..reply import Refusal
from .bodies import User

_USER: TypeAdapter[str] = TypeAdapter(User)


def parse_vm(text: str) -> VMAddress:
    """Return a machine's address.

    Raises:
        Refusal: 422, it is none.
    """
    try:
        return VMAddress.parse(text)
    except ValueError as e:
        raise Refusal(422, "invalid-field", str(e), field="vm") from e


def check_user(text: str) -> str:
    """Return the name of a user.

    Raises:
        Refusal: 422, it is none.
    """
    try:
        return _USER.validate_python(text)
    except ValidationError as e:
        message = "a user has 1 to 256 characters, none of them a control character"
        raise Refusal(422, "invalid-field", message, field="user") from e
