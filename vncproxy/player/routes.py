"""The page, its contents, segments, live entries and file by HTTP."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorProcess
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import Request
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from ..errors import VNCProxyError
from ..web import STATIC
from ..web.preloading import with_preloads
from .following import follow
from .sending import Call, Part, send_part
from .shown import BeingMade, IShown, NotShown

PATH = "recordings"
"""The first segment of the path of all that is served here."""

PAGE = STATIC / "player" / "player.html"
"""The page; it finds its files at ``../static/``."""

BINARY = "application/octet-stream"

Admit = Callable[[Request, str], Awaitable[IShown]]
"""Returns the recording of a session for the user of a request, or raises `NotShown`."""

_NOTHING_HERE = NotShown(404, "not-found", "There is nothing here. Open the link as you got it.")


class PlayerResource(Resource):
    """Serves ``recordings/SESSION`` and what the page asks for below it.

    Args:
        admit: called for each request but those for the page itself, which has no secrets.
        call: calls functions of files in threads.
    """

    log = Logger()
    isLeaf = True

    def __init__(self, admit: Admit, reactor: IReactorProcess, call: Call = deferToThread) -> None:
        super().__init__()
        self._admit = admit
        self._call = call
        self._reactor = reactor

    def render(self, request: Request) -> Any:
        """Serve any request."""
        session, *rest = _below(request)
        if request.method == b"HEAD" and not rest:
            return _page(request)
        if request.method != b"GET":
            request.setHeader("Allow", "GET")
            return _refuse(request, NotShown(405, "method-not-allowed", "Only GET is served here."))
        if not rest:
            return _page(request)
        serving = Deferred.fromCoroutine(self._serve(request, session, rest))
        serving.addErrback(self._failed, request)
        return NOT_DONE_YET

    async def _serve(self, request: Request, session: str, rest: list[str]) -> None:
        lost: list[Failure] = []
        request.notifyFinish().addErrback(lost.append)
        try:
            shown = await self._admit(request, session)
            answer = await self._answer(request, shown, rest)
        except BeingMade as e:
            answer = _json(request, 202, {"making": round(e.progress, 3)})
        except VNCProxyError as e:
            answer = _refuse(request, e)
        if answer is not None and not lost:
            request.write(answer)
            request.finish()

    async def _answer(self, request: Request, shown: IShown, rest: list[str]) -> bytes | None:
        """Return the body of an answer; None where it is sent by other means."""
        match rest:
            case ["contents"]:
                return _json(request, 200, await shown.contents())
            case ["segments", number] if number.isascii() and number.isdigit():
                part = await shown.segment(int(number[:9]))
                request.setHeader("Cache-Control", "private, max-age=3600, immutable")
                request.setHeader("Vary", "Authorization")
                await self._send(request, part)
            case ["live"]:
                argv = await shown.follow()
                request.setHeader("Cache-Control", "no-store")
                _set_type(request, BINARY)
                if request.channel is not None:
                    shown.followed(follow(argv, request, self._reactor))
            case ["file"]:
                name, part = await shown.open_file()
                request.setHeader("Cache-Control", "no-store")
                request.setHeader("Content-Disposition", f'attachment; filename="{name}"')
                await self._send(request, part)
            case _:
                raise _NOTHING_HERE
        return None

    async def _send(self, request: Request, part: Part) -> None:
        _set_type(request, BINARY)
        await send_part(part, request, self._call)
        if not request.finished and request.channel is not None:
            request.finish()

    def _failed(self, failure: Failure, request: Request) -> None:
        """Log a defect, and close the connection, whose answer may have begun."""
        self.log.failure("a request for a recording was not answered", failure)
        if request.channel is not None:
            request.loseConnection()


def _below(request: Request) -> list[str]:
    """Return the parts of a path behind ``recordings``; the session's id is the first of them."""
    path = request.path.decode("latin-1")
    return path.rpartition(f"/{PATH}/")[2].split("/")


def _page(request: Request) -> bytes:
    _set_type(request, "text/html; charset=utf-8")
    request.setHeader("Cache-Control", "no-cache")
    return _page_content()


@lru_cache
def _page_content() -> bytes:
    return with_preloads(PAGE.read_text(), STATIC).encode()


def _refuse(request: Request, error: VNCProxyError) -> bytes:
    """Return the answer that says what is wrong, in the shape of the API's errors."""
    status, code = error.status, error.code
    if isinstance(error, NotShown):
        status, code = error.http_status, error.word
    return _json(request, status, {"error": {"code": code, "message": error.sentence()}})


def _json(request: Request, status: int, body: object) -> bytes:
    request.setResponseCode(status)
    _set_type(request, "application/json")
    request.setHeader("Cache-Control", "no-store")
    return json.dumps(body, ensure_ascii=False).encode() + b"\n"


def _set_type(request: Request, kind: str) -> None:
    request.setHeader("Content-Type", kind)
    request.setHeader("X-Content-Type-Options", "nosniff")
