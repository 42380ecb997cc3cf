"""The requests about screens and keyboards: wait, and type."""

from __future__ import annotations

from ...answers import Screen, TypedKeys
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
from .screen_parameters import AREA, CHANGED_FROM, IGNORE, STABLE_FOR, TIMEOUT, WAIT
from .typing_bodies import TypeRequest

WAIT_SCREEN = Operation(
    "waitScreen",
    "GET",
    "/v1/screen",
    Screen,
    "Wait until a machine's screen is still, or has changed and is still.",
    "The answer comes after `timeout` at the latest, and `stable` and `changed` say how it was. A"
    " cursor that blinks is no change. With `Accept: image/png`, `image/jpeg` or `image/webp` it is"
    " the picture, and headers have the digest and whether it was stable.",
    scopes=(Scope.SCREENSHOT,),
    query=(ONE_VM, WAIT, STABLE_FOR, TIMEOUT, AREA, IGNORE, CHANGED_FROM),
    causes=(*SCREEN_REFUSED, NOT_INSTALLED),
)
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
