"""What the key of a request may do, for programs that show what it can be used for."""

from __future__ import annotations

from ...answers import Self
from ..caller import Caller
from ..reply import Reply
from .bodies import timestamp


async def show_self(caller: Caller) -> Reply[Self]:
    """Return what a caller may do."""
    credential = caller.credential
    expires_at = None if credential is None else credential.expires_at
    return Reply(
        200,
        {
            "name": caller.name,
            "scopes": sorted(scope.value for scope in caller.scopes),
            "backends": sorted(caller.backends),
            "vms": list(caller.vms.texts),
            "everything": caller.unrestricted,
            "expires_at": None if expires_at is None else timestamp(expires_at),
        },
    )
