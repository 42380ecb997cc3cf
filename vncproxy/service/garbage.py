"""Keeps full collections of garbage short: they stop the process for as long as they take."""

from __future__ import annotations

import gc


def freeze_what_is_there() -> None:
    """Let collections pass over what there is now: the program, and the parts of the proxy.

    To be called once, when everything is made. What a reload replaces of it is not collected where
    it refers to itself; that is once, and little.
    """
    gc.collect()
    gc.freeze()
