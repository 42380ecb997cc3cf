"""The routes below ``/v1/recordings``."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.web.server import Request

from ...answers import RecordingLink, RecordingList, RevokedLinks
from ..caller import Caller
from ..reply import Reply
from . import recording_operations as op
from .parameters import parse_query
from .recordings import LinkRequest, RecordingQuery
from .serving import Serving, serves


class RecordingRoutes(Serving):
    """The routes that are about recordings."""

    @serves(op.LIST_RECORDINGS)
    def list_recordings(self, request: Request) -> Deferred[bytes]:
        """List recordings."""

        async def work(caller: Caller) -> Reply[RecordingList]:
            query = RecordingQuery(**parse_query(request.args, op.LIST_RECORDINGS.query))
            return await self._views.recordings.list(caller, query)

        return self._answer(request, op.LIST_RECORDINGS, work)

    @serves(op.SHOW_RECORDING)
    def show_recording(self, request: Request, recorded_id: str) -> Deferred[bytes]:
        """Show a recording."""
        show = self._views.recordings.show
        return self._answer(request, op.SHOW_RECORDING, lambda caller: show(caller, recorded_id))

    @serves(op.DELETE_RECORDING)
    def delete_recording(self, request: Request, recorded_id: str) -> Deferred[bytes]:
        """Delete a recording."""
        delete = self._views.recordings.delete
        return self._answer(
            request, op.DELETE_RECORDING, lambda caller: delete(caller, recorded_id)
        )

    @serves(op.GET_FILE)
    def get_recording(self, request: Request, recorded_id: str) -> Deferred[bytes]:
        """Send the file of a recording."""
        file = self._views.recordings.file
        return self._answer(request, op.GET_FILE, lambda caller: file(caller, recorded_id))

    @serves(op.LINK_RECORDING)
    def link_recording(self, request: Request, recorded_id: str) -> Deferred[bytes]:
        """Make a link to a recording."""

        async def work(caller: Caller, asked: LinkRequest) -> Reply[RecordingLink]:
            return await self._views.recordings.link(caller, recorded_id, asked)

        return self._answer_body(request, op.LINK_RECORDING, LinkRequest, work)

    @serves(op.REVOKE_LINKS)
    def revoke_recording_links(self, request: Request, recorded_id: str) -> Deferred[bytes]:
        """Revoke links to a recording."""

        async def work(caller: Caller) -> Reply[RevokedLinks]:
            given = parse_query(request.args, op.REVOKE_LINKS.query)
            return await self._views.recordings.revoke(caller, recorded_id, **given)

        return self._answer(request, op.REVOKE_LINKS, work)
