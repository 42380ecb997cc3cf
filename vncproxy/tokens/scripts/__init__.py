"""What Redis runs atomically, in Lua, by Redis's own clock.

A token is two keys: ``token``, the immutable record, which portals write too, and ``state``, a hash
of the proxies with the fields

``used``
    uses taken
``revoked``
    there once the token was revoked
``record``
    as it was redeemed, kept for resuming
``opening:<use>`` = ``<first redeemed>:<until>``
    a use of a session that has not opened yet
``confirmed:<use>`` = ``<first redeemed>:<until>``
    a use whose confirmation can be retracted, where replicas are waited for
``given``
    when the uses that were given back had first been taken, separated by commas
``resume:<SHA-256 of the cookie>`` = ``<first redeemed>:<ends>``
    a right to re-enter
``whole:<SHA-256 of the cookie>`` = ``<ends>``
    when that right ends, for a cookie that has to be renewed before
``mode:<SHA-256 of the cookie>`` = ``control`` or ``view-only``
    what its sessions may do, in place of what the policy says
``newest:<SHA-256 of the cookie>``
    the claim of the newest session of a cookie, also while it is opening; where it is counted, its
    name

All times are in milliseconds of Redis's clock.

Removing a field that does not exist, named ``''``, changes nothing. A read-only replica refuses it
all the same, and so does a primary that has lost its replicas where it has to have some; and where
``maxmemory`` is reached, Redis checks only before a script's first change whether there is room for
more.

In reading order:

- `fragments`: what scripts begin with or share.
- `sharing`: how a session has a machine to itself.
- `limits`: how live sessions are counted.
- `redemption`: scripts by which sessions begin.
- `management`: scripts that issue and revoke.
- `links`: scripts of signed links.
"""

from __future__ import annotations

from .fragments import PRELUDE
from .limits import ENTER, FORGET, LEAVE, PRUNE, REGISTER
from .links import ADOPT, REVOKE_LINK, REVOKE_LINKS_OF_USER, REVOKE_SIGNER
from .management import ISSUE, PROBE, REVOKE, REVOKE_ALL, REVOKED
from .redemption import (
    CONFIRM,
    CONFIRM_RESUMED,
    LOOK,
    REENTER,
    REMEMBER_MODE,
    RENEW,
    RESTORE,
    RETRACT,
    TAKE,
)
from .sharing import HOLD, KEEP

__all__ = [
    "ADOPT",
    "CONFIRM",
    "CONFIRM_RESUMED",
    "ENTER",
    "FORGET",
    "HOLD",
    "ISSUE",
    "KEEP",
    "LEAVE",
    "LOOK",
    "PRELUDE",
    "PROBE",
    "PRUNE",
    "REENTER",
    "REGISTER",
    "REMEMBER_MODE",
    "RENEW",
    "RESTORE",
    "RETRACT",
    "REVOKE",
    "REVOKED",
    "REVOKE_ALL",
    "REVOKE_LINK",
    "REVOKE_LINKS_OF_USER",
    "REVOKE_SIGNER",
    "TAKE",
]
