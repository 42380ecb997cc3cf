"""Pictures of machines over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final, Protocol

from ...model import VMAddress
from ...screenshots.formats import ImageFormat
from ..audit import ApiAudit
from ..caller import Caller
from ..permissions import Permissions
from ..reply import Refusal, Reply

NOT_INSTALLED: Final = "this proxy takes no pictures; install vncproxy[screen], and restart it"


class Pictures(Protocol):
    """Takes pictures of machines."""

    def image(self, vm: VMAddress, kind: ImageFormat, width: int | None) -> Awaitable[bytes]:
        """Return an image of a machine's screen."""


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
        vm: VMAddress | None = None,
        width: int | None = None,
        format: ImageFormat = ImageFormat.PNG,  # noqa: A002
    ) -> Reply[str]:
        """Return a picture of a machine's screen, a few seconds old at most.

        Raises:
            Refusal: 400, no machine is named; 403, the caller may not use it; 501, this proxy takes
                no pictures.
            VNCProxyError: it has no console now, or its console cannot be reached.
        """
        if vm is None:
            raise Refusal(400, "bad-request", "vm is needed", field="vm")
        self._permissions.require(caller, vm)
        if self._pictures is None:
            raise Refusal(501, "not-installed", NOT_INSTALLED)
        image = await self._pictures.image(vm, format, width)
        self._audit.pictured(caller, vm)
        return Reply(200, image, content_type=format.media_type)
