"""Whether the user of a session may control the machine, which may change while it is open."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import ModeFixed
from ..interfaces import IViewerStage
from ..model import Mode

Changed = Callable[[bytes, str, str], object]
"""Is called after a change: what is to be sent to the server now, and who has made it, for the
audit log and for the page."""


class Rights:
    """What the user of one session may do now.

    The user controls the machine while the mode says so and nothing holds the control back. A
    change takes effect before its method returns. A session that was opened without a
    viewer's stage keeps what it has: its stream cannot be parsed from the middle, since its user
    may have sent half a message, whose rest would then be read as messages of the user's choice.

    Attributes:
        mode: what the policy says, or an administrator.
        holds: why the control is held back; empty while nothing does.
    """

    __slots__ = ("_changed", "_is_decided", "_stage", "holds", "mode")

    def __init__(self) -> None:
        self.mode = Mode.CONTROL
        self.holds: tuple[str, ...] = ()
        self._stage: IViewerStage | None = None
        self._changed: Changed = _ignore
        self._is_decided = False

    @property
    def may_control(self) -> bool:
        """Whether what the viewer sends controls the machine now."""
        return self.mode is Mode.CONTROL and not self.holds

    @property
    def effective(self) -> Mode:
        """The same as a mode."""
        return Mode.CONTROL if self.may_control else Mode.VIEW_ONLY

    @property
    def are_held(self) -> bool:
        """Whether the user would control the machine if nothing held the control back."""
        return self.mode is Mode.CONTROL and bool(self.holds)

    @property
    def can_change(self) -> bool:
        """Whether `may_control` can become another one now."""
        return self._stage is not None or not self._is_decided

    def set_mode(self, mode: Mode, by: str = "", *, told: str | None = None) -> None:
        """Set what the user may do while nothing holds the control back.

        Args:
            by: the name of who does that, for the page and the audit log.
            told: what the page has in its place; None for the same.

        Raises:
            ModeFixed: `may_control` would change, and cannot.
        """
        self._set(mode, self.holds, by, by if told is None else told)

    def hold(self, reason: str, by: str = "") -> None:
        """Hold the control back until the same reason is released.

        Raises:
            ModeFixed: `may_control` would change, and cannot.
        """
        self._set(self.mode, (*self._without(reason), reason), by, by)

    def release(self, reason: str, by: str = "") -> None:
        """Hold the control back for this reason no more.

        Raises:
            ModeFixed: `may_control` would change, and cannot.
        """
        self._set(self.mode, self._without(reason), by, by)

    def use(self, stage: IViewerStage | None) -> None:
        """Make changes by a stage from now on; without one, nothing can change any more.

        Args:
            stage: made for what the user may do now.
        """
        self._stage, self._is_decided = stage, True

    def begin(self, changed: Changed) -> None:
        """Call a function at each change from now on: the relay begins."""
        self._changed = changed

    def end(self) -> None:
        """Note that the relay has ended: changes have no effect any more."""
        self._stage, self._changed, self._is_decided = None, _ignore, False

    def _without(self, reason: str) -> tuple[str, ...]:
        return tuple(each for each in self.holds if each != reason)

    def _set(self, mode: Mode, holds: tuple[str, ...], by: str, told: str) -> None:
        changes = (mode is Mode.CONTROL and not holds) is not self.may_control
        if changes and not self.can_change:
            raise ModeFixed(f"the messages of this viewer are not parsed; {by} asked for it")
        self.mode, self.holds = mode, holds
        if changes and self._stage is not None:
            self._changed(self._stage.set_view_only(not self.may_control), by, told)


def _ignore(for_server: bytes, by: str, told: str) -> None:
    """Do nothing: no viewer has sent anything, or none can any more."""
