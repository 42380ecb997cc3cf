"""The requests about screens and keyboards: type."""

from __future__ import annotations

from ...answers import TypedKeys
from ...config.scope import Scope
from .operation import Operation
from .parameters import ONE_VM
from .problems import (
    KEYS_INTERRUPTED,
    NOT_INSTALLED,
    SCREEN_REFUSED,
    STORE_UNAVAILABLE,
    TYPING_REFUSED,
)
from .typing_bodies import TypeRequest

TYPE_KEYS = Operation(
    "typeKeys",
    "POST",
    "/v1/screen/keys",
    TypedKeys,
    "Type text or keys at a machine's console.",
    "The answer comes when all has arrived. A session of its own types, which is listed, ends as"
    " others do, and ends with the request's connection. What was typed is in no log, but for its"
    " length. `POST /v1/keys?vm=` is the same request.",
    scopes=(Scope.TYPE,),
    query=(ONE_VM,),
    body=TypeRequest,
    repeats=True,
    causes=(
        *SCREEN_REFUSED,
        *TYPING_REFUSED,
        KEYS_INTERRUPTED,
        NOT_INSTALLED,
        STORE_UNAVAILABLE,
    ),
)
