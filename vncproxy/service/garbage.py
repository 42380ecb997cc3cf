"""Keeps collections of garbage short: they stop the process for as long as they take."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


def freeze_what_is_there() -> None:
    """Let collections pass over what there is now: the program, and the parts of the proxy.

    To be called once, when everything is made. What a reload replaces of it is not collected where
    it refers to itself; that is once, and little.
    """
    gc.collect()
    gc.freeze()


@contextmanager
def no_collections() -> Iterator[None]:
    """Import modules without collections, and let later ones pass over the modules.

    They find next to nothing of a program that is being loaded, and take a tenth of its time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()
