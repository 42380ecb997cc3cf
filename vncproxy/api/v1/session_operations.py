"""The requests of the API that are about live sessions."""

from __future__ import annotations

from ...answers import (
    ChangedSession,
    Driving,
    EndedSessions,
    IssuedToken,
    MessagedSession,
    Session,
    SessionApproval,
    SessionList,
    WaitingList,
)
from ...config.scope import Scope
from .approvals import ApprovalRequest, DenialRequest
from .bodies import MessageRequest, SessionRequest
from .joining import InviteRequest, ShadowRequest
from .operation import Operation
from .parameters import (
    AFTER,
    BY,
    CLIENT,
    FROM_ZONE,
    LIMIT,
    PROXY,
    REVOKE,
    STATE,
    TO_ZONE,
    TOKEN,
    USER,
    VM,
)
from .problems import (
    APPROVAL_CONFLICT,
    BACKEND_ERROR,
    CANNOT_JOIN,
    DRIVER_STAYS,
    MODE_FIXED,
    NO_SINGLE_DRIVER,
    SESSION_UNKNOWN,
    STORE_UNAVAILABLE,
)

LIST_SESSIONS = Operation(
    "listSessions",
    "GET",
    "/v1/sessions",
    SessionList,
    "List live sessions, oldest first: all, or those that match every parameter.",
    scopes=(Scope.READ,),
    query=(VM, USER, CLIENT, TOKEN, PROXY, FROM_ZONE, TO_ZONE, STATE, LIMIT, AFTER),
    causes=(STORE_UNAVAILABLE,),
    ids={"session_id": "/sessions/0/id"},
)
END_SESSIONS = Operation(
    "endSessions",
    "DELETE",
    "/v1/sessions",
    EndedSessions,
    "End the sessions that match every parameter.",
    "At least one of the parameters is given. Ending none is no error.",
    scopes=(Scope.ADMIN,),
    query=(VM, USER, TOKEN, PROXY),
    causes=(STORE_UNAVAILABLE,),
)
SHOW_SESSION = Operation(
    "showSession",
    "GET",
    "/v1/sessions/{session_id}",
    Session,
    "Show a live session.",
    scopes=(Scope.READ,),
    causes=(SESSION_UNKNOWN, STORE_UNAVAILABLE),
)
END_SESSION = Operation(
    "endSession",
    "DELETE",
    "/v1/sessions/{session_id}",
    EndedSessions,
    "End a session.",
    "Its user can come back with the same link, unless its token is revoked, too.",
    scopes=(Scope.ADMIN,),
    query=(REVOKE,),
    causes=(SESSION_UNKNOWN, STORE_UNAVAILABLE),
)
SHADOW_SESSION = Operation(
    "shadowSession",
    "POST",
    "/v1/sessions/{session_id}/shadow",
    IssuedToken,
    "Make a link by which an administrator looks at a live session, or controls its machine.",
    "The link is good once, and ends with the session.",
    scopes=(Scope.SHADOW,),
    status=201,
    body=ShadowRequest,
    causes=(SESSION_UNKNOWN, CANNOT_JOIN, BACKEND_ERROR, STORE_UNAVAILABLE),
)
INVITE_TO_SESSION = Operation(
    "inviteToSession",
    "POST",
    "/v1/sessions/{session_id}/invite",
    IssuedToken,
    "Make a link for a guest of a live session's user.",
    "The link is good once, and ends with the session. The session's policy has to allow it:"
    " `may_invite`.",
    scopes=(Scope.ISSUE,),
    status=201,
    body=InviteRequest,
    causes=(SESSION_UNKNOWN, CANNOT_JOIN, BACKEND_ERROR, STORE_UNAVAILABLE),
)
CHANGE_SESSION = Operation(
    "changeSession",
    "PATCH",
    "/v1/sessions/{session_id}",
    ChangedSession,
    "Change whether the user of a live session may control the machine.",
    "It holds until it is changed again or the browser's resume cookie ends, whatever the policy of"
    " the link says. Keys and buttons that are held are released.",
    scopes=(Scope.ADMIN,),
    body=SessionRequest,
    causes=(SESSION_UNKNOWN, MODE_FIXED, STORE_UNAVAILABLE),
)
MESSAGE_SESSION = Operation(
    "messageSession",
    "POST",
    "/v1/sessions/{session_id}/message",
    MessagedSession,
    "Show a message to the user of a live session.",
    "The page of the console shows it as a notice, until its user dismisses it. Native viewers show"
    " nothing: the answer says so.",
    scopes=(Scope.ADMIN,),
    body=MessageRequest,
    causes=(SESSION_UNKNOWN, STORE_UNAVAILABLE),
)
LIST_APPROVALS = Operation(
    "listApprovals",
    "GET",
    "/v1/approvals",
    WaitingList,
    "List the sessions that wait for approval, oldest first.",
    scopes=(Scope.APPROVE,),
    causes=(STORE_UNAVAILABLE,),
)
APPROVE_SESSION = Operation(
    "approveSession",
    "POST",
    "/v1/sessions/{session_id}/approve",
    SessionApproval,
    "Approve of a session that waits.",
    "A key counts once; one that stands for several people names one in `by`, and each of them"
    " counts once. The user of the session cannot approve of it.",
    scopes=(Scope.APPROVE,),
    body=ApprovalRequest,
    causes=(SESSION_UNKNOWN, APPROVAL_CONFLICT, STORE_UNAVAILABLE),
)
WITHDRAW_APPROVAL = Operation(
    "withdrawApproval",
    "DELETE",
    "/v1/sessions/{session_id}/approve",
    SessionApproval,
    "Withdraw an approval.",
    "While the session waits, the key's own approval counts no more. A session that is open ends"
    " and its token is revoked, also where another key has approved.",
    scopes=(Scope.APPROVE,),
    query=(BY,),
    causes=(SESSION_UNKNOWN, APPROVAL_CONFLICT, STORE_UNAVAILABLE),
)
DENY_SESSION = Operation(
    "denySession",
    "POST",
    "/v1/sessions/{session_id}/deny",
    SessionApproval,
    "Let a session that waits not begin.",
    "Its user is shown the reason, and can ask again with the same link, unless it is revoked.",
    scopes=(Scope.APPROVE,),
    body=DenialRequest,
    causes=(SESSION_UNKNOWN, APPROVAL_CONFLICT, STORE_UNAVAILABLE),
)
DRIVE_SESSION = Operation(
    "driveSession",
    "POST",
    "/v1/sessions/{session_id}/drive",
    Driving,
    "Give a session the control of its machine, where one has it at a time.",
    "The session that had it stops first.",
    scopes=(Scope.ADMIN,),
    causes=(SESSION_UNKNOWN, NO_SINGLE_DRIVER, DRIVER_STAYS, STORE_UNAVAILABLE),
)
