"""The ways in which Ironic refuses a call, with what an administrator can do about them."""

from __future__ import annotations

from typing import Final

from ...errors import BackendError, NoGraphicalConsole, VMNotFound, VNCProxyError
from ...openstack.failures import in_words, status_of

REDACTED: Final = (
    "does not tell where consoles are: the account needs the policy "
    "baremetal:node:get:driver_internal_info, which readers of the system and of the node's owner "
    "have"
)
_CAUSES: Final = {
    401: "refuses the log-in: check the account and its password",
    403: "forbids it: the account needs the policies baremetal:node:get_console and "
    "baremetal:node:set_console_state, which members of the system and of the node's owner have",
    406: "is too old",
}


def explain(error: Exception, vm: str = "") -> VNCProxyError:
    """Return an error of the SDK as one of ours.

    Args:
        vm: the node that was asked about; empty for all.
    """
    status = status_of(error)
    if status == 404 and vm and type(error).__module__.startswith("openstack."):
        return VMNotFound(f"no node {vm!r}")
    if status == 400 and vm and "not support" in str(error):
        return NoGraphicalConsole(f"node {vm} has no console interface that can be started")
    if status in _CAUSES:
        return BackendError(f"ironic {_CAUSES[status]} (HTTP {status})")
    return BackendError(f"ironic: {in_words(error)}")
