"""What one session waits for: that its user accepts a text, and that others approve of it."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred

from ..errors import ApprovalDenied, BannerDeclined, VNCProxyError
from ..model import Decided, Decision, UnixTime, Verdict
from .approvals import Approvals


class Consent:
    """What one session waits for.

    Args:
        banner: the text that the user has to accept; empty for none.
        approvals: of those that have to approve; of none, where none have to.
        since: when the wait began.

    Attributes:
        accepted: whether the user has accepted the text, or there is none.
        given: fires once when nothing is missing any more; fails with why the session is refused.
        on_change: called after each change that leaves something missing.
        on_accepted: called when the user accepts the text.
    """

    __slots__ = ("accepted", "approvals", "banner", "given", "on_accepted", "on_change", "since")

    def __init__(self, banner: str, approvals: Approvals, since: UnixTime) -> None:
        self.banner = banner
        self.approvals = approvals
        self.since = since
        self.accepted = not banner
        self.given: Deferred[None] = Deferred()
        self.on_change: Callable[[], object] = _nothing
        self.on_accepted: Callable[[], object] = _nothing

    @property
    def waits(self) -> bool:
        """Whether something is missing."""
        return not self.given.called

    def accept(self) -> None:
        """Take note that the user accepts the text."""
        if self.waits and not self.accepted:
            self.accepted = True
            self.on_accepted()
            self._changed()

    def decline(self) -> None:
        """Take note that the user does not accept the text, or does not wait any longer."""
        what = "the text was declined" if not self.accepted else "the user waits no longer"
        self.refuse(BannerDeclined(what))

    def refuse(self, why: VNCProxyError) -> None:
        """End the wait."""
        if self.waits:
            self.given.errback(why)

    def decide(self, decision: Decision) -> Decided:
        """Take an approver's decision; a session that does not wait takes none."""
        if not self.waits:
            return Decided(self.approvals.state(), waits=False)
        if not self.approvals.needed:
            return Decided(self.approvals.state(), refused="This session needs no approval.")
        refused = self._take(decision)
        state = self.approvals.state()
        if not refused:
            self._changed()
        return Decided(state, refused=refused)

    def _take(self, decision: Decision) -> str:
        match decision.verdict:
            case Verdict.APPROVE:
                return self.approvals.approve(decision)
            case Verdict.WITHDRAW:
                return self.approvals.withdraw(decision)
            case Verdict.DENY:
                self.refuse(ApprovalDenied(f"by {decision.approver}", reason=decision.reason))
        return ""

    def _changed(self) -> None:
        if not self.waits:
            return
        if self.accepted and self.approvals.enough:
            self.given.callback(None)
        else:
            self.on_change()


def _nothing() -> None:
    """Do nothing."""
