"""Pictures of machines over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Collection
from typing import Final, Protocol

from ...model import VMAddress
from ...screenshots.formats import QUALITY, Image, ImageFormat, ImageKind
from ..audit import ApiAudit
from ..caller import Caller
from ..permissions import Permissions
from ..reply import Refusal, Reply

NOT_INSTALLED: Final = "this proxy takes no pictures; install vncproxy[screen], and restart it"


class Pictures(Protocol):
    """Takes pictures of machines."""

    def image(
        self, vm: VMAddress, kind: ImageKind, known: Collection[str], hops: int
    ) -> Awaitable[Image]:
        """Return an image of a machine's screen, without its data where its tag is known."""


class ScreenshotsView:
    """The route of pictures.

    Args:
        pictures: None where what decodes screens is not installed.
    """

    def __init__(
        self, pictures: Pictures | None, permissions: Permissions, audit: ApiAudit
    ) -> None:
        self._pictures = pictures
        self._permissions = permissions
        self._audit = audit

    async def show(
        self,
        caller: Caller,
        known: Collection[str],
        vm: VMAddress | None = None,
        format: ImageFormat = ImageFormat.PNG,  # noqa: A002
        quality: int | None = None,
        width: int | None = None,
        height: int | None = None,
        cursor: bool | None = None,
        hops: int = 0,
    ) -> Reply[str]:
        """Return a picture of a machine's screen, a few seconds old at most.

        Args:
            known: the tags of images that the caller has: 304 for one of them.
            hops: how many proxies the request has come by.

        Raises:
            Refusal: 400, no machine is named; 403, the caller may not use it; 422, the format has
                no quality; 501, this proxy takes no pictures.
            VNCProxyError: it has no console now, or its console cannot be reached.
        """
        if vm is None:
            raise Refusal(400, "bad-request", "vm is needed", field="vm")
        if quality is not None and not format.has_quality:
            message = f"{format.value} keeps every pixel, and has no quality"
            raise Refusal(422, "invalid-field", message, field="quality")
        self._permissions.require(caller, vm)
        if self._pictures is None:
            raise Refusal(501, "not-installed", NOT_INSTALLED)
        kind = ImageKind(format, width, height, quality or QUALITY, cursor)
        image = await self._pictures.image(vm, kind, known, hops)
        headers = ("ETag", f'"{image.tag}"'), ("Age", str(int(image.age)))
        if not image.data:
            return Reply(304, b"", headers, format.media_type)
        self._audit.pictured(caller, vm)
        return Reply(200, image.data, headers, format.media_type)


def known_tags(header: str | None) -> Collection[str]:
    """Return the tags of an ``If-None-Match``; what is none is never one of ours."""
    listed = (each.strip().removeprefix("W/") for each in (header or "").split(","))
    return {each[1:-1] for each in listed if len(each) > 2 and each[0] == each[-1] == '"'}
