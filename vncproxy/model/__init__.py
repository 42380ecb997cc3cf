"""The vocabulary as frozen values: without I/O, and without secrets in a ``repr``.

Every name can be imported from `vncproxy.model` itself. In reading order:

- `units`: durations and moments.
- `address`: a virtual machine: its address, its owner, and what a list shows of it.
- `patterns`: patterns for addresses of machines.
- `hours`: when sessions may be open.
- `policy`: what an issuer decides about a token.
- `bounds`: the most that an issuer may decide.
- `endpoint`: where a console is, how its server is verified, and its handshakes as data.
- `joining`: sessions that join the live session of another user.
- `token`: a token without its secret, and what a redeemed one allows.
- `machine_host`: the host on which a machine is.
- `signed_link`: links that portals sign.
- `secret`: how ids and secrets are made, hashed and checked.
- `identity`: the identity of a process among all proxies.
- `announcement`: what a process tells of itself to all proxies.
- `activity`: what goes on in the cluster at the moment.
- `differences`: how proxies differ although they should not.
- `session`: a session at one moment, which ones are meant, how many ended; directions of bytes.
- `decision`: what an approver decides about a session that waits.
- `border`: sessions that cross the border between two zones.
- `rate`: how many requests a caller may send.
- `limits`: how much a proxy takes on, and how long each step may take.
- `lease`: the place of a session in the limits of its machine, user and address.
"""

from __future__ import annotations

from .activity import Activity
from .address import VM_PATTERN, Ownership, VMAddress, VMSummary
from .announcement import Announcement, LinkState
from .border import (
    REFUSALS_HEADER,
    REFUSALS_IN_RFB,
    SESSION_HEADER,
    Border,
    Journey,
    Visit,
    ZoneService,
)
from .bounds import LATER_BOUNDS, NO_BOUNDS, PolicyBounds
from .decision import Approval, Decided, Decision, Verdict
from .endpoint import (
    ConsoleElsewhere,
    ConsoleEndpoint,
    Handshake,
    HTTPConnect,
    RFBSecurity,
    TLSTrust,
    Transport,
)
from .hours import OpenTimes
from .identity import Identity
from .joining import MOST_JOINED, JoinKind, Joins
from .lease import KEPT, Place, SessionLease, holder_of
from .limits import LONGEST_WAIT, Limits, Timeouts
from .machine_host import MachineHost, normal_host_name
from .patterns import ALL_VMS, NO_VMS, VMPattern, VMPatterns
from .policy import (
    DEFAULT_POLICY,
    LEAST_BANDWIDTH,
    LONGEST_BANNER,
    Clipboard,
    ConsoleType,
    Inviting,
    Mode,
    Policy,
    PowerAction,
    Sharing,
)
from .rate import Rate
from .secret import check_secret, is_secret, new_claim, new_id, new_secret, secret_id
from .session import (
    ANY_SESSION,
    KEYS,
    LOCAL,
    Changed,
    Direction,
    Ended,
    Messaged,
    SessionFilter,
    SessionInfo,
    SessionPhase,
    Unconfirmed,
    cursor_of,
)
from .signed_link import SignedLink
from .token import Grant, Once, Ousted, Token, TokenStatus
from .units import Seconds, UnixTime

__all__ = [
    "ALL_VMS",
    "ANY_SESSION",
    "DEFAULT_POLICY",
    "KEPT",
    "KEYS",
    "LATER_BOUNDS",
    "LEAST_BANDWIDTH",
    "LOCAL",
    "LONGEST_BANNER",
    "LONGEST_WAIT",
    "MOST_JOINED",
    "NO_BOUNDS",
    "NO_VMS",
    "REFUSALS_HEADER",
    "REFUSALS_IN_RFB",
    "SESSION_HEADER",
    "VM_PATTERN",
    "Activity",
    "Announcement",
    "Approval",
    "Border",
    "Changed",
    "Clipboard",
    "ConsoleElsewhere",
    "ConsoleEndpoint",
    "ConsoleType",
    "Decided",
    "Decision",
    "Direction",
    "Ended",
    "Grant",
    "HTTPConnect",
    "Handshake",
    "Identity",
    "Inviting",
    "JoinKind",
    "Joins",
    "Journey",
    "Limits",
    "LinkState",
    "MachineHost",
    "Messaged",
    "Mode",
    "Once",
    "OpenTimes",
    "Ousted",
    "Ownership",
    "Place",
    "Policy",
    "PolicyBounds",
    "PowerAction",
    "RFBSecurity",
    "Rate",
    "Seconds",
    "SessionFilter",
    "SessionInfo",
    "SessionLease",
    "SessionPhase",
    "Sharing",
    "SignedLink",
    "TLSTrust",
    "Timeouts",
    "Token",
    "TokenStatus",
    "Transport",
    "Unconfirmed",
    "UnixTime",
    "VMAddress",
    "VMPattern",
    "VMPatterns",
    "VMSummary",
    "Verdict",
    "Visit",
    "ZoneService",
    "check_secret",
    "cursor_of",
    "holder_of",
    "is_secret",
    "new_claim",
    "new_id",
    "new_secret",
    "normal_host_name",
    "secret_id",
]
