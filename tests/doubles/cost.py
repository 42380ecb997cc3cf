"""How the cost of a call grows with the length of what it reads."""

from __future__ import annotations

import gc
from collections.abc import Callable
from time import process_time

SHORT, LONG = 8192, 16384
"""Bytes of the two inputs that are compared."""

SHORTEST = 0.002
"""Seconds of processor time that are enough to compare with."""

BOUND = 3.0
"""Between 2, which is linear, and 4, which is quadratic."""

_ROUNDS, _TRIES = 3, 6


def growth(prepare: Callable[[int], Callable[[], object]]) -> float:
    """Return the cost of reading `LONG` bytes divided by that of `SHORT` bytes.

    The least of several measurements counts, for everything that disturbs one adds to it.

    Args:
        prepare: returns a call that reads so many bytes, and can be made once.
    """
    best = float("inf")
    for _ in range(_TRIES):
        number = 1
        while (short := _cost(prepare, SHORT, number)) < SHORTEST:
            number = max(number * 2, int(number * SHORTEST / max(short, 1e-6)))
        best = min(best, _cost(prepare, LONG, number) / short)
        if best < BOUND:
            break
    return best


def _cost(prepare: Callable[[int], Callable[[], object]], size: int, number: int) -> float:
    return min(_once(prepare, size, number) for _ in range(_ROUNDS))


def _once(prepare: Callable[[int], Callable[[], object]], size: int, number: int) -> float:
    calls = [prepare(size) for _ in range(number)]
    gc.disable()
    try:
        started = process_time()
        for call in calls:
            call()
        return process_time() - started
    finally:
        gc.enable()
