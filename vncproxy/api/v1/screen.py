"""Waiting for the screens of machines over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final, Protocol
from urllib.parse import quote

from ...answers import Screen
from ...model import VMAddress
from ...screenshots.formats import ImageFormat, ImageKind
from ...watching.wanted import Area, Seen, Wanted
from ..audit import ApiAudit
from ..caller import Caller
from ..permissions import Permissions
from ..reply import Refusal, Reply
from .screen_parameters import USUAL_STABLE, USUAL_WAIT
from .screenshots import NOT_INSTALLED

_FORMATS: Final = {each.media_type: each for each in ImageFormat}


class Screens(Protocol):
    """Waits for screens."""

    def wait(self, vm: VMAddress, wanted: Wanted, caller: str) -> Awaitable[Seen]:
        """Wait until a machine's screen is as wanted, or the time is over."""

    def encode(self, picture: Any, kind: ImageKind) -> Awaitable[bytes]:
        """Return a picture as an image."""


class ScreenView:
    """The route of waiting.

    Args:
        screens: None where what decodes screens is not installed.
    """

    def __init__(self, screens: Screens | None, permissions: Permissions, audit: ApiAudit) -> None:
        self._screens = screens
        self._permissions = permissions
        self._audit = audit

    async def wait(
        self,
        caller: Caller,
        accept: str | None,
        vm: VMAddress | None = None,
        wait: str = "",
        stable_for: float = USUAL_STABLE,
        timeout: float = USUAL_WAIT,
        area: Area | None = None,
        ignore: tuple[Area, ...] = (),
        changed_from: str = "",
    ) -> Reply[Screen]:
        """Wait for a machine's screen, and say how it looks, or show it.

        Args:
            accept: the header; an image is sent where it names one before JSON.

        Raises:
            Refusal: 400, no machine is named; 403, the caller may not use it; 501, this proxy
                decodes no screens.
            VNCProxyError: it has no console now, or its console cannot be reached.
        """
        if vm is None:
            raise Refusal(400, "bad-request", "vm is needed", field="vm")
        self._permissions.require(caller, vm)
        if self._screens is None:
            raise Refusal(501, "not-installed", NOT_INSTALLED)
        kind = image_of(accept)
        wanted = Wanted(stable_for, timeout, area, ignore, changed_from, kind is not None)
        self._audit.pictured(caller, vm)
        seen = await self._screens.wait(vm, wanted, caller.name)
        if kind is None:
            return Reply(200, _body(vm, seen))
        image = await self._screens.encode(seen.picture, ImageKind(kind))
        headers = (("Screen-Digest", seen.digest), ("Screen-Stable", str(seen.stable).lower()))
        return Reply(200, image, headers, kind.media_type)


def image_of(accept: str | None) -> ImageFormat | None:
    """Return the image that an ``Accept`` header names first; None for JSON."""
    for each in (accept or "").split(","):
        name = each.partition(";")[0].strip().lower()
        if name in _FORMATS:
            return _FORMATS[name]
        if name in ("image/*",):
            return ImageFormat.PNG
        if name in ("application/json", "application/*", "*/*"):
            return None
    return None


def _body(vm: VMAddress, seen: Seen) -> Screen:
    return {
        "vm": str(vm),
        "width": seen.width,
        "height": seen.height,
        "digest": seen.digest,
        "still": round(seen.still, 3),
        "stable": seen.stable,
        "changed": seen.changed,
        "image": f"/v1/screenshot?vm={quote(str(vm), safe='/')}",
    }
