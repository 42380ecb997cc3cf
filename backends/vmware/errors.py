"""vSphere's faults, with what an administrator can do about them."""

from __future__ import annotations

from http.client import HTTPException
from typing import Any
from xml.parsers.expat import ExpatError

from pyVmomi import vim

from ...errors import BackendError

UNANSWERED = (OSError, HTTPException, ExpatError)
"""Errors of a call that is not answered, or whose answer cannot be read."""

_NO_PERMISSION = "The console service may not show this virtual machine."
_LONGEST_MESSAGE = 300


def explain(fault: Any, user: str) -> BackendError:
    """Return a fault of a call as an error.

    Args:
        fault: a ``vmodl.MethodFault``.
        user: the account of the call.
    """
    if isinstance(fault, vim.fault.NoPermission):
        return BackendError(
            f"{user} may not {_privileges(fault)}; give it a role with that privilege",
            public=_NO_PERMISSION,
        )
    return BackendError(_message(fault))


def unanswered(error: Exception) -> str:
    """Return why there was no answer."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ExpatError):
        return f"its answer cannot be understood: {error}"
    if str(error).startswith("503 "):
        return "it answers 503 Service Unavailable; is its service still starting?"
    return str(error) or type(error).__name__


def _privileges(fault: Any) -> str:
    missing = getattr(fault, "missingPrivileges", None) or ()
    ids = {name for each in missing for name in each.privilegeIds} or {fault.privilegeId}
    entity = "the inventory" if fault.object is None else object_id(fault.object)
    return f"{', '.join(sorted(map(str, ids)))} on {entity}"


def object_id(thing: Any) -> str:
    """Return a managed object's id, such as ``vm-123``."""
    # its only public form is 'vim.VirtualMachine:vm-123', with the quotes
    return str(thing).strip("'").rpartition(":")[2]


def _message(fault: Any) -> str:
    """Return the type of a fault and its message on one line; never its other fields."""
    kind = type(fault).__name__.rpartition(".")[2]
    text = " ".join(str(fault.msg or "").split())[:_LONGEST_MESSAGE]
    return f"{kind}: {text}" if text else kind
