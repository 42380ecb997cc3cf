"""Power: what a backend provides that can start, stop and reset its machines."""

from __future__ import annotations

from collections.abc import Awaitable, Collection

from zope.interface import Interface

from ..model import Journey, PowerAction


class IPower(Interface):
    """A backend that can start, stop and reset its machines.

    The core asks it only for what the user's policy or the caller's scope allows, and once for each
    request: a backend never repeats an action whose outcome it does not know. A backend acts only
    where its own table says ``power = true``: the account that looks machines up may be one that
    must not stop them.
    """

    def power_actions() -> Collection[PowerAction]:
        """Return what can be done to its machines; asks no hypervisor.

        Nothing where the configuration does not allow it.
        """

    def power(vm: str, action: PowerAction) -> Awaitable[bool]:
        """Do something to a machine's power, once.

        ``start`` switches a machine on that is off. ``shutdown`` and ``reboot`` ask its guest,
        which may take its time or not react. ``reset`` and ``off`` do not ask it, and what it has
        not saved is lost.

        Args:
            vm: the id as the token has it.
            action: one of `power_actions`.

        Returns:
            Whether it is done; False where the guest or the hypervisor was asked and does it later.

        Raises:
            VMNotFound: no such machine.
            PowerStateUnfit: its state does not allow it, such as ``start`` of one that is on.
            PowerUnsupported: this machine cannot, for example without tools in the guest.
            PowerDenied: the hypervisor does not allow it to the proxy's account.
            BackendError: the hypervisor's API failed, and it is not known whether it was done.
        """

    def is_off(vm: str) -> Awaitable[bool]:
        """Return whether a machine is off now, so that ``start`` would switch it on.

        Raises:
            VNCProxyError: as ``locate`` does.
        """


class IPowerElsewhere(Interface):
    """A backend whose machines another zone starts, stops and resets, which decides by the user."""

    def request_power(vm: str, action: PowerAction, journey: Journey) -> Awaitable[bool]:
        """Do something to a machine's power; called instead of ``power``.

        Raises:
            VNCProxyError: as ``power`` does; or what the other zone says.
        """
