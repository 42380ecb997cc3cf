"""The JSON that ``/v1`` answers with, as types: the API builds it, clients read it.

What is said of attributes stands in ``/v1/openapi.json`` in the same words. In reading order:

- `values`: kinds of values that several answers have.
- `problems`: errors, the one shape of them.
- `confirmed`: what an order to all proxies did.
- `joining`: links and sessions that join the live session of another user.
- `itself`: what a key may do.
- `tokens`, `keys`, `sessions`, `recordings`, `machines`, `power`, `screen`, `proxies`: what the API
  is about.
- `health`: health of one proxy.
- `zones`: what zones say to each other.
"""

from __future__ import annotations

from .confirmed import (
    ChangedSession,
    Confirmed,
    Draining,
    EndedSessions,
    LateProcess,
    MessagedSession,
    Revocation,
)
from .health import Health, Readiness, Unready
from .itself import Self
from .joining import Driving, Joined
from .keys import CreatedKey, Key, KeyList, KeyPolicy, RevokedKey
from .machines import BackendFailure, Machine, MachineList
from .power import Powered
from .problems import Error, ErrorAnswer
from .proxies import Proxy, ProxyList, ProxyName, ProxyWarning, SessionLimit, Worker, ZoneLinks
from .recordings import (
    DeletedRecording,
    Recording,
    RecordingLink,
    RecordingList,
    RevokedLinks,
)
from .screen import Screen, TypedKeys
from .sessions import Approval, Session, SessionApproval, SessionBorder, SessionList, WaitingList
from .tokens import IssuedToken, StoredToken, Token, TokenPolicy
from .zones import ZoneAbout, ZoneMachine, ZoneToken

__all__ = [
    "Approval",
    "BackendFailure",
    "ChangedSession",
    "Confirmed",
    "CreatedKey",
    "DeletedRecording",
    "Draining",
    "Driving",
    "EndedSessions",
    "Error",
    "ErrorAnswer",
    "Health",
    "IssuedToken",
    "Joined",
    "Key",
    "KeyList",
    "KeyPolicy",
    "LateProcess",
    "Machine",
    "MachineList",
    "MessagedSession",
    "Powered",
    "Proxy",
    "ProxyList",
    "ProxyName",
    "ProxyWarning",
    "Readiness",
    "Recording",
    "RecordingLink",
    "RecordingList",
    "Revocation",
    "RevokedKey",
    "RevokedLinks",
    "Screen",
    "Self",
    "Session",
    "SessionApproval",
    "SessionBorder",
    "SessionLimit",
    "SessionList",
    "StoredToken",
    "Token",
    "TokenPolicy",
    "TypedKeys",
    "Unready",
    "WaitingList",
    "Worker",
    "ZoneAbout",
    "ZoneLinks",
    "ZoneMachine",
    "ZoneToken",
]
