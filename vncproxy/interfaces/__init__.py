"""The interfaces of which there are several implementations, a test double among them.

Every name can be imported from `vncproxy.interfaces` itself. In reading order:

- `blocking`: threads for blocking SDKs.
- `context`: what a backend is made with.
- `backend`: hypervisors and clouds that locate consoles.
- `power`: backends that start, stop and reset machines.
- `deprecated`: interfaces of backends that were replaced.
- `links`: connections to zones that cannot be dialled.
- `tokens`: the token store, and further sources of tokens.
- `stage`: a filter, rewriter or recorder of a session's bytes.
- `recorder`: what records sessions.
- `observer`: receivers of session events: audit, metrics.
- `hosts`: what other proxies know of a machine.
- `portals`: what is kept for the programs that call the API.
- `review`: links by which recordings are watched.
- `logins`: users that are logged in.
- `registry`: the live sessions: list and end; the proxies.
- `machine_sessions`: the live sessions of one machine.

Methods promise ``Awaitable[T]``, so an implementation may be ``async def`` or return a Deferred.
"""

from __future__ import annotations

from .backend import (
    BackendClass,
    IConsoleBackend,
    IConsoleRecovery,
    IConsolesElsewhere,
    IHasWarnings,
    IKnowsConsoles,
    IKnowsHosts,
    IMachineIds,
    IMachineOwners,
    ISharesConsoles,
    IVMInventory,
    NamesOtherBackends,
)
from .blocking import IBlockingCalls
from .context import CONTEXT_VERSION, BackendContext
from .deprecated import IConsoleMoves, IConsoleRefusals, IPointsElsewhere
from .hosts import IMachineFinder
from .links import IZoneLinks
from .logins import ILoginStore
from .machine_sessions import IMachineSessions
from .observer import IEventObserver, ISessionObserver
from .portals import IPortalStore
from .power import IPower, IPowerElsewhere
from .recorder import IRecorder
from .registry import IProxies, ISessionRegistry
from .review import IReviewLinks
from .stage import IGuard, IStage, ITap, IViewerStage
from .tokens import (
    BeforeUse,
    IHasSentinels,
    ILinkStore,
    IMayForget,
    ISignedLinks,
    ITokenSource,
    ITokenStore,
)

__all__ = [
    "CONTEXT_VERSION",
    "BackendClass",
    "BackendContext",
    "BeforeUse",
    "IBlockingCalls",
    "IConsoleBackend",
    "IConsoleMoves",
    "IConsoleRecovery",
    "IConsoleRefusals",
    "IConsolesElsewhere",
    "IEventObserver",
    "IGuard",
    "IHasSentinels",
    "IHasWarnings",
    "IKnowsConsoles",
    "IKnowsHosts",
    "ILinkStore",
    "ILoginStore",
    "IMachineFinder",
    "IMachineIds",
    "IMachineOwners",
    "IMachineSessions",
    "IMayForget",
    "IPointsElsewhere",
    "IPortalStore",
    "IPower",
    "IPowerElsewhere",
    "IProxies",
    "IRecorder",
    "IReviewLinks",
    "ISessionObserver",
    "ISessionRegistry",
    "ISharesConsoles",
    "ISignedLinks",
    "IStage",
    "ITap",
    "ITokenSource",
    "ITokenStore",
    "IVMInventory",
    "IViewerStage",
    "IZoneLinks",
    "NamesOtherBackends",
]
