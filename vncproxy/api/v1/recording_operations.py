"""The requests that are about recordings."""

from __future__ import annotations

from ...answers import (
    DeletedRecording,
    Recording,
    RecordingLink,
    RecordingList,
    RevokedLinks,
)
from ...config.scope import Scope
from .operation import Operation
from .parameters import USER, VM
from .problems import (
    NO_RECORDINGS,
    RECORDING_ELSEWHERE,
    RECORDING_UNKNOWN,
    RECORDINGS_FAIL,
    STILL_RECORDED,
    STORE_UNAVAILABLE,
    TOO_MANY_LINKS,
)
from .recording_parameters import AFTER, LINK, MOST, SESSION, SINCE, UNTIL
from .recordings import LinkRequest

_ANY = (NO_RECORDINGS, RECORDINGS_FAIL)
_ONE = (RECORDING_UNKNOWN, RECORDING_ELSEWHERE, *_ANY)

LIST_RECORDINGS = Operation(
    "listRecordings",
    "GET",
    "/v1/recordings",
    RecordingList,
    "List recordings, the newest first.",
    "Those that this proxy can see: where proxies do not share a directory or a bucket, each has "
    "its own. A page may have fewer than `limit` while there are more.",
    scopes=(Scope.REVIEW,),
    query=(VM, USER, SESSION, SINCE, UNTIL, MOST, AFTER),
    causes=_ANY,
    ids={"recorded_id": "/recordings/0/session"},
)
SHOW_RECORDING = Operation(
    "showRecording",
    "GET",
    "/v1/recordings/{recorded_id}",
    Recording,
    "Show what a recording is of.",
    scopes=(Scope.REVIEW,),
    causes=_ONE,
)
DELETE_RECORDING = Operation(
    "deleteRecording",
    "DELETE",
    "/v1/recordings/{recorded_id}",
    DeletedRecording,
    "Delete a recording that has ended, and revoke the links to it.",
    scopes=(Scope.REVIEW,),
    also=(Scope.ADMIN,),
    causes=(*_ONE, STILL_RECORDED),
)
GET_FILE = Operation(
    "getRecording",
    "GET",
    "/v1/recordings/{recorded_id}/file",
    bytes,
    "Get the file of a recording, as far as it was written.",
    scopes=(Scope.REVIEW,),
    also=(Scope.DOWNLOAD,),
    causes=_ONE,
    media_type="application/octet-stream",
)
LINK_RECORDING = Operation(
    "linkRecording",
    "POST",
    "/v1/recordings/{recorded_id}/links",
    RecordingLink,
    "Make a link by which a person watches one recording, also while it is made.",
    "It has to be opened within `ttl`, and ends ten minutes after it was last used, or twelve "
    "hours after `ttl`. With `download`, the key needs the scope `download`, too.",
    scopes=(Scope.REVIEW,),
    status=201,
    body=LinkRequest,
    repeats=True,
    causes=(*_ONE, TOO_MANY_LINKS, STORE_UNAVAILABLE),
)
REVOKE_LINKS = Operation(
    "revokeRecordingLinks",
    "DELETE",
    "/v1/recordings/{recorded_id}/links",
    RevokedLinks,
    "Revoke the links to a recording, all or one; who watches by them sees no more.",
    scopes=(Scope.REVIEW,),
    query=(LINK,),
    causes=(*_ONE, STORE_UNAVAILABLE),
)
