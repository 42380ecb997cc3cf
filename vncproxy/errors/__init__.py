"""The tree of errors, one module for each party at fault.

Every name can be imported from `vncproxy.errors` itself. In reading order:

- `root`: `VNCProxyError`, and what each class carries.
- `client`: the user's side: requests, tokens, policies, limits.
- `machine`: the virtual machine: absent, not running, without a screen.
- `hypervisor`: the hypervisor's API and the console's server.
- `power`: a machine that was not started, stopped or reset.
- `zone`: another zone that was asked for a console.
- `service`: the proxy itself: configuration, store, audit file, load.
- `session_end`: why an open session was closed, with the close codes of the page.
- `login`: why a login failed, and why a link needs one.
- `consent`: why a session that waits for consent or approval does not begin.

::

    VNCProxyError
    ├── ConfigurationError         the operator: a setting that cannot work
    ├── ClientError                the user's side
    │   ├── BadRequest             no token, or one that is not well formed
    │   ├── Forbidden              this page or this network may not use the token
    │   ├── TokenRefused           one sentence for all four; the log says which
    │   │   ├── TokenUnknown
    │   │   ├── TokenUsed
    │   │   ├── TokenExpired
    │   │   └── TokenRevoked
    │   ├── LoginRequired, LoginOfAnother   the link is of use to a user that is logged in
    │   │   └── ViewerCannotLogIn   and the viewer is no browser
    │   ├── PolicyUnsupported      a restriction that is not enforced here
    │   ├── OverLimit              too many sessions
    │   ├── ModeFixed              what its user may do cannot change now
    │   ├── ConsoleOccupied        another session has the machine to itself
    │   ├── BannerDeclined, ApprovalDenied, ConsentTimeout      no consent, or no approval
    │   ├── ViewerCannotResize, ViewerHoldsKeys     our screen cannot give way to the console
    │   └── DownstreamViolation    bytes that are not RFB or not WebSocket
    │       └── ViewerMessageRefused   a message that no viewer sends
    ├── ConsoleError               the virtual machine
    │   ├── VMNotFound
    │   └── ConsoleUnavailable     not running
    │       ├── MachineOff         off, and its user may start it
    │       └── NoGraphicalConsole its configuration has no screen
    ├── HypervisorError            between the proxy and the screen
    │   ├── BackendError           the hypervisor's or cloud's API
    │   ├── UpstreamUnreachable    nothing answers at the console's address
    │   ├── ZoneError              another zone
    │   │   ├── ZoneUnreachable, ZoneUntrusted      no answer of it
    │   │   │   └── ZoneNotConnected, ZoneLinkLost   it dials us, and has not or no more
    │   │   ├── ZoneUnknown, ZoneKeyRefused, ZoneKeyExpired, ZoneClock, ZoneReplayed
    │   │   ├── ZoneHopLimit, ZoneLoop, ZonePolicyRefused, ZoneForbidden, ZoneDraining
    │   │   └── ZoneSays           a reason of its own, which it gives
    │   └── UpstreamViolation      it answers, but refuses or violates RFB
    │       ├── UpstreamRefused    it refuses the connection, with its reason
    │       │   ├── UpstreamBusy   it refuses all connections for a while, after too many attempts
    │       │   └── ConsoleInUse   it has another viewer, and admits one only
    │       ├── UpstreamClosed     it closes the connection before its handshakes are complete
    │       └── UpstreamUntrusted  its identity is not verified, or it offers no TLS
    ├── PowerError                 a machine was not started, stopped or reset
    │   ├── PowerStateUnfit        its state does not allow it
    │   ├── PowerUnsupported       its backend cannot, or is not configured to
    │   ├── PowerDenied            the hypervisor does not allow it to the proxy's account
    │   └── PowerTooOften          its user has asked too often
    ├── StoreUnavailable           the token store
    ├── LoginFailed                a user could not be logged in
    │   └── ProviderUnavailable    the OpenID provider does not answer
    ├── KeysInterrupted            not everything was typed
    ├── KeystoneUnavailable        OpenStack's Keystone
    ├── AuditUnavailable           the audit file
    ├── RecordingUnavailable       the session has to be recorded, and cannot be
    ├── AtAnotherProxy             no fault: another proxy shows the console
    ├── Busy                       too many sessions are opening
    ├── ConfirmationNeeded         no fault: the user is to confirm before the token is redeemed
    └── SessionEnded               why an open session was closed
        ├── ClientGone, ConsoleEnded (ConsoleMoved, ConsoleTaken), ConnectionLost
        ├── EndedByAdministrator, ApprovalWithdrawn, TimeLimit, OutsideHours, IdleLimit, Superseded
        ├── TakenOver (MayTakeBack), UserElsewhere
        ├── JoinedSessionEnded     its link belonged to another session
        ├── RecordingStopped       it could not be recorded any more
        └── ProxyStopping, ProxyDraining (ModeChanged)

Each class has the user's sentence (``public``), the HTTP status of the API and of a
``CONNECT`` reply (``status``), the WebSocket close code (``close_code``: 4000-4099 final, 4100-4199
where reconnecting makes sense), the audit log's word (``code``), the seconds within which another
try makes sense (``retry_after``, 0 for no promise) and whether another proxy may do what this one
refuses (``elsewhere``). The argument of the constructor is the detail for the log; it never reaches
a user.
"""

from __future__ import annotations

from .client import (
    BadRequest,
    ClientError,
    ConfirmationNeeded,
    ConsoleOccupied,
    DownstreamViolation,
    Forbidden,
    ModeFixed,
    OverLimit,
    PolicyUnsupported,
    TokenExpired,
    TokenRefused,
    TokenRevoked,
    TokenUnknown,
    TokenUsed,
    ViewerMessageRefused,
)
from .consent import (
    ApprovalDenied,
    ApprovalWithdrawn,
    BannerDeclined,
    ConsentTimeout,
    ViewerCannotResize,
    ViewerHoldsKeys,
)
from .hypervisor import (
    BackendError,
    ConsoleInUse,
    HypervisorError,
    UpstreamBusy,
    UpstreamClosed,
    UpstreamRefused,
    UpstreamUnreachable,
    UpstreamUntrusted,
    UpstreamViolation,
)
from .login import (
    LoginFailed,
    LoginOfAnother,
    LoginRequired,
    ProviderUnavailable,
    ViewerCannotLogIn,
)
from .machine import (
    ConsoleError,
    ConsoleUnavailable,
    MachineOff,
    NoGraphicalConsole,
    VMNotFound,
)
from .power import (
    PowerDenied,
    PowerError,
    PowerStateUnfit,
    PowerTooOften,
    PowerUnsupported,
)
from .root import VNCProxyError
from .service import (
    AtAnotherProxy,
    AuditUnavailable,
    Busy,
    ConfigurationError,
    KeysInterrupted,
    KeystoneUnavailable,
    RecordingUnavailable,
    StoreUnavailable,
)
from .session_end import (
    ClientGone,
    ConnectionLost,
    ConsoleEnded,
    ConsoleMoved,
    ConsoleTaken,
    EndedByAdministrator,
    IdleLimit,
    JoinedSessionEnded,
    MayTakeBack,
    ModeChanged,
    OutsideHours,
    ProxyDraining,
    ProxyStopping,
    RecordingStopped,
    SessionEnded,
    Superseded,
    TakenOver,
    TimeLimit,
    UserElsewhere,
)
from .zone import (
    ZoneClock,
    ZoneDraining,
    ZoneError,
    ZoneForbidden,
    ZoneHopLimit,
    ZoneKeyExpired,
    ZoneKeyRefused,
    ZoneLinkLost,
    ZoneLoop,
    ZoneNotConnected,
    ZonePolicyRefused,
    ZoneReplayed,
    ZoneSays,
    ZoneUnknown,
    ZoneUnreachable,
    ZoneUntrusted,
)

__all__ = [
    "ApprovalDenied",
    "ApprovalWithdrawn",
    "AtAnotherProxy",
    "AuditUnavailable",
    "BackendError",
    "BadRequest",
    "BannerDeclined",
    "Busy",
    "ClientError",
    "ClientGone",
    "ConfigurationError",
    "ConfirmationNeeded",
    "ConnectionLost",
    "ConsentTimeout",
    "ConsoleEnded",
    "ConsoleError",
    "ConsoleInUse",
    "ConsoleMoved",
    "ConsoleOccupied",
    "ConsoleTaken",
    "ConsoleUnavailable",
    "DownstreamViolation",
    "EndedByAdministrator",
    "Forbidden",
    "HypervisorError",
    "IdleLimit",
    "JoinedSessionEnded",
    "KeysInterrupted",
    "KeystoneUnavailable",
    "LoginFailed",
    "LoginOfAnother",
    "LoginRequired",
    "MachineOff",
    "MayTakeBack",
    "ModeChanged",
    "ModeFixed",
    "NoGraphicalConsole",
    "OutsideHours",
    "OverLimit",
    "PolicyUnsupported",
    "PowerDenied",
    "PowerError",
    "PowerStateUnfit",
    "PowerTooOften",
    "PowerUnsupported",
    "ProviderUnavailable",
    "ProxyDraining",
    "ProxyStopping",
    "RecordingStopped",
    "RecordingUnavailable",
    "SessionEnded",
    "StoreUnavailable",
    "Superseded",
    "TakenOver",
    "TimeLimit",
    "TokenExpired",
    "TokenRefused",
    "TokenRevoked",
    "TokenUnknown",
    "TokenUsed",
    "UpstreamBusy",
    "UpstreamClosed",
    "UpstreamRefused",
    "UpstreamUnreachable",
    "UpstreamUntrusted",
    "UpstreamViolation",
    "UserElsewhere",
    "VMNotFound",
    "VNCProxyError",
    "ViewerCannotLogIn",
    "ViewerCannotResize",
    "ViewerHoldsKeys",
    "ViewerMessageRefused",
    "ZoneClock",
    "ZoneDraining",
    "ZoneError",
    "ZoneForbidden",
    "ZoneHopLimit",
    "ZoneKeyExpired",
    "ZoneKeyRefused",
    "ZoneLinkLost",
    "ZoneLoop",
    "ZoneNotConnected",
    "ZonePolicyRefused",
    "ZoneReplayed",
    "ZoneSays",
    "ZoneUnknown",
    "ZoneUnreachable",
    "ZoneUntrusted",
]
