"""The frames of a moving picture: light that moves over a scene, with the noise of a camera."""

from __future__ import annotations

import numpy as np

from .painting import Pixels


class MovingPicture:
    """A moving picture that repeats after some frames.

    Args:
        frames: how many there are.
    """

    def __init__(self, width: int, height: int, frames: int = 50) -> None:
        self._frames = [_frame(width, height, 2 * np.pi * at / frames) for at in range(frames)]
        self._at = 0

    def next_frame(self) -> Pixels:
        """Return the next frame."""
        self._at += 1
        return self._frames[self._at % len(self._frames)]


def _frame(width: int, height: int, angle: float) -> Pixels:
    noise = np.random.default_rng(int(angle * 1000))
    across, down = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    light = np.hypot(across - 0.6 * np.cos(angle), down - 0.4 * np.sin(2 * angle))
    waves = np.sin(9 * across + 3 * np.sin(angle)) * np.cos(7 * down - angle)
    red, green = 200 * np.exp(-2 * light), 90 + 60 * waves
    blue = 120 + 80 * np.sin(5 * (across + down) + angle)
    scene = np.dstack((red + 0.3 * green, green, blue))
    return np.clip(scene + noise.normal(0, 4, scene.shape), 0, 255).astype(np.uint8)
