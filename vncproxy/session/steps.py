"""Measures the steps to a console."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from ..errors import VNCProxyError

OnStep = Callable[[str, str, float, str], object]
"""Called after each step to a console.

With the name of its backend; ``locate``, ``connect`` or ``handshake``; its seconds; and the code of
the error that it failed with, or an empty text. A step that is cut short because the user has left
is not reported.
"""


class Steps:
    """One step or several that follow each other, as a context manager.

    Args:
        name: of the first step.
        seconds: a clock.
        on_begin: called with the name of each step as it begins.
    """

    __slots__ = ("_backend", "_began", "_name", "_on_begin", "_on_step", "_seconds")

    def __init__(
        self,
        on_step: OnStep,
        backend: str,
        name: str,
        seconds: Callable[[], float],
        on_begin: Callable[[str], object] = str,
    ) -> None:
        self._on_begin = on_begin
        self._on_step = on_step
        self._backend = backend
        self._name = name
        self._seconds = seconds

    def __enter__(self) -> Self:
        self._began = self._seconds()
        self._on_begin(self._name)
        return self

    def begin(self, name: str) -> None:
        """End a step, and begin the next; does nothing after the last one."""
        if self._name:
            self._end("")
            self._name, self._began = name, self._seconds()
            self._on_begin(name)

    def __exit__(
        self, kind: object, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None or isinstance(error, VNCProxyError):
            self._end("" if error is None else error.code)
        self._name = ""

    def _end(self, failed: str) -> None:
        self._on_step(self._backend, self._name, self._seconds() - self._began, failed)
