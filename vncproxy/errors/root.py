"""The root of all errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from ..text import printable_lines


class VNCProxyError(Exception):
    """The root of the tree.

    Args:
        detail: facts for the log, lower case, with numbers.
        public: a sentence for the user that replaces the class's own.
    """

    public: ClassVar[str] = "The console failed."
    status: ClassVar[int] = 500
    close_code: ClassVar[int] = 1011
    code: ClassVar[str] = "internal-error"
    ask_administrator: ClassVar[bool] = False
    retry_after: ClassVar[int] = 0
    elsewhere: ClassVar[bool] = False

    def __init__(self, detail: str = "", *, public: str | None = None) -> None:
        # both may quote untrusted text: of clients, guests or hypervisors
        self.detail = printable_lines(detail)
        super().__init__(self.detail)
        self._public = printable_lines(public) if public else public

    def __str__(self) -> str:
        return self.detail or self.sentence()

    def sentence(
        self,
        session_id: str = "",
        limit: int | None = None,
        say: Callable[[str], str] = str,
    ) -> str:
        """Return the sentence for the user.

        Args:
            session_id: appended to the sentence of a refusal, so that its log line can be found;
                empty for the end of an open session.
            limit: the most bytes of UTF-8; the sentence is cut, and never the id.
            say: returns a sentence in the user's language.
        """
        text = say(self._public or self.public)
        tail = ""
        if session_id:
            tail = " " + say(f"Ask your administrator, id {session_id}.")
            if not self.ask_administrator:
                tail = f" (id {session_id})"
        if limit is not None:
            room = max(0, limit - len(tail.encode()))
            text = text.encode("utf-8", "replace")[:room].decode("utf-8", "ignore")
        return text + tail
