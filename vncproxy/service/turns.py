"""What one process of several does at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..model import Identity

if TYPE_CHECKING:
    from ..cluster.cluster import Cluster
    from ..cluster.turns import Turns


def turns_of(cluster: Cluster | None, me: Identity) -> Turns | None:
    """Return the turns of this process; None where it is alone."""
    if cluster is None:
        return None
    # txredisapi installs the reactor on import, and importing this module must not
    from ..cluster.turns import Turns

    return Turns(cluster.link, cluster.keys, me.worker_id)
