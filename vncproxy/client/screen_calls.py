"""The requests about screens and keyboards: pictures, and what is typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from .. import answers
from .call import Call, given

LONGEST_TYPING = 330.0
"""Seconds that keys may take until all have arrived."""


def show_screen(
    vm: str,
    *,
    width: int | None = None,
    height: int | None = None,
    format: Literal["png", "jpeg", "webp"] = "png",  # noqa: A002
    quality: int | None = None,
    cursor: bool | None = None,
) -> Call[bytes]:
    """Show a machine's screen as an image, at most so many pixels wide and high.

    Args:
        quality: of JPEG and WebP, from 1 to 100.
        cursor: whether the mouse cursor is shown; None leaves that to the console's server.
    """
    shown = None if cursor is None else str(cursor).lower()
    size = {"width": width, "height": height}
    query = given(vm=vm, **size, format=format, quality=quality, cursor=shown)
    return Call("GET", "/v1/screenshot", query, media_type="image/*")


def wait_screen(
    vm: str,
    *,
    wait: Literal["stable"] = "stable",
    stable_for: float = 1.0,
    timeout: float = 30.0,
    area: tuple[int, int, int, int] | None = None,
    ignore: Sequence[tuple[int, int, int, int]] = (),
    changed_from: str | None = None,
) -> Call[answers.Screen]:
    """Wait until a machine's screen is still; look at ``stable`` and ``changed`` of the answer.

    Args:
        stable_for: seconds without a change.
        timeout: seconds after which the answer comes in any case.
        area: what is looked at: left, top, width and height in pixels.
        ignore: parts that are left out.
        changed_from: the ``digest`` of an earlier answer, which the screen must not have any more.
    """
    query = given(vm=vm, wait=wait, stable_for=stable_for, timeout=timeout)
    query |= given(area=None if area is None else _area(area), changed_from=changed_from)
    query |= {"ignore": "/".join(map(_area, ignore))} if ignore else {}
    return Call("GET", "/v1/screen", query, patience=timeout)


def _area(area: tuple[int, int, int, int]) -> str:
    return ",".join(map(str, area))


def type_keys(
    vm: str,
    *,
    text: str | None = None,
    keys: Sequence[str | Mapping[str, object]] | None = None,
    layout: str = "us",
    rate: float = 20,
    codes: bool = True,
    take_over: bool = False,
    user: str | None = None,
    idempotency_key: str | None = None,
) -> Call[answers.TypedKeys]:
    """Type text or keys at a machine's console; returns when all has arrived.

    Args:
        text: with line feeds for Enter.
        keys: ``down``, ``ctrl+alt+delete``, ``{"pause": 1.5}``, ``{"text": "root"}``,
            ``{"hold": "f12", "seconds": 3}``.
        layout: the keyboard layout of the machine's guest.
        rate: strokes in a second.
        codes: whether scan codes are sent where the console's server takes them.
        take_over: whether the console may be taken from its viewer, where it has one at a time.
        user: who types, as named in the audit log.
        idempotency_key: of this request, however often it is sent.
    """
    more = {"text": text, "keys": None if keys is None else list(keys), "user": user}
    body: dict[str, object] = {"vm": vm, "layout": layout, "rate": rate}
    body |= {"codes": codes, "take_over": take_over}
    body |= {name: value for name, value in more.items() if value is not None}
    headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
    return Call("POST", "/v1/screen/keys", body=body, headers=headers, patience=LONGEST_TYPING)
