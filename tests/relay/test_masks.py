"""Masking against its definition in RFC 6455 section 5.3, whatever does it."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import numpy
from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.dialogues import sized_bytes
from tests.properties import HealthCheck, given, settings
from tests.properties import strategies as st
from vncproxy.relay import masks
from vncproxy.relay.masks import SMALL, mask, mask_small

KEY = b"\x37\xfa\x21\x3d"
TEXT = random.Random(6455).randbytes(70_003)

keys = st.binary(min_size=4, max_size=4)


def naive(data: bytes, key: bytes, position: int = 0) -> bytes:
    """Octet i of the transformed data is octet i of the original XOR octet i MOD 4 of the key."""
    return bytes(octet ^ key[(position + i) % 4] for i, octet in enumerate(data))


class _Masking:
    """How large payload is masked is chosen when the first one comes."""

    large: Callable[[bytes, bytes, int], bytes]

    def setUp(self) -> None:
        super().setUp()  # type: ignore[misc]
        self.patch(masks, "_mask_large", self.large)  # type: ignore[attr-defined]


class _Contract(SynchronousTestCase):
    def test_the_example_of_the_specification(self) -> None:
        self.assertEqual(mask(b"Hello", KEY), b"\x7f\x9f\x4d\x51\x58")

    def test_every_size(self) -> None:
        for size in range(2001):
            self.assertEqual(mask(TEXT[:size], KEY), naive(TEXT[:size], KEY), size)

    def test_every_position(self) -> None:
        for size in (1, 3, 4, 5, 510, 511, 512, 513, 514, 515, 516, 1023):
            for position in (*range(9), 65535, 1 << 32):
                self.assertEqual(
                    mask(TEXT[:size], KEY, position),
                    naive(TEXT[:size], KEY, position),
                    (size, position),
                )

    def test_large_payload(self) -> None:
        for size in (65535, 65536, 65537, 70_001, 70_002, 70_003):
            self.assertEqual(mask(TEXT[:size], KEY, 3), naive(TEXT[:size], KEY, 3))

    def test_any_buffer_gives_the_same_bytes(self) -> None:
        for size in (0, 5, SMALL, SMALL + 1, 4096, 4099):
            expected = naive(TEXT[1 : 1 + size], KEY)
            for data in (
                TEXT[1 : 1 + size],
                bytearray(TEXT[1 : 1 + size]),
                memoryview(TEXT)[1 : 1 + size],
                memoryview(bytearray(TEXT))[1 : 1 + size],
            ):
                masked = mask(data, KEY)
                self.assertEqual(masked, expected)
                self.assertIs(type(masked), bytes)

    def test_what_was_given_is_left_as_it_is(self) -> None:
        data = bytearray(TEXT[:1000])

        mask(data, KEY)

        self.assertEqual(data, TEXT[:1000])

    @settings(suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow])
    @given(sized_bytes(1200), keys, st.integers(0, 1 << 63))
    def test_masking_twice_gives_the_payload_back(
        self, data: bytes, key: bytes, position: int
    ) -> None:
        self.assertEqual(mask(mask(data, key, position), key, position), data)

    @settings(suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow])
    @given(sized_bytes(1200), keys, st.integers(0, 1200))
    def test_two_parts_are_masked_like_the_whole(self, data: bytes, key: bytes, cut: int) -> None:
        parts = mask(data[:cut], key) + mask(data[cut:], key, min(cut, len(data)))

        self.assertEqual(parts, mask(data, key))


class WithNumpyTests(_Masking, _Contract):
    large = staticmethod(masks._WithNumpy(numpy))


class WithIntegersTests(_Masking, _Contract):
    large = staticmethod(masks._with_integers)


del _Contract


class SmallTests(SynchronousTestCase):
    def test_every_size_up_to_the_largest(self) -> None:
        key = int.from_bytes(KEY, "little")

        for size in range(SMALL + 1):
            self.assertEqual(mask_small(TEXT[:size], key, size), naive(TEXT[:size], KEY))


class ChoiceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.patch(masks, "_mask_large", masks._first)

    def mask_the_first(self) -> None:
        before = set(threading.enumerate())
        self.assertEqual(mask(TEXT, KEY, 2), naive(TEXT, KEY, 2))
        for thread in set(threading.enumerate()) - before:
            thread.join()

    def test_numpy_is_taken_where_it_is_installed(self) -> None:
        self.mask_the_first()

        self.assertIsInstance(masks._mask_large, masks._WithNumpy)
        self.assertEqual(mask(TEXT, KEY, 2), naive(TEXT, KEY, 2))

    def test_integers_are_taken_elsewhere(self) -> None:
        self.patch(masks, "import_module", _not_installed)

        self.mask_the_first()

        self.assertIs(masks._mask_large, masks._with_integers)

    def test_it_is_loaded_once(self) -> None:
        names: list[str] = []

        def load(name: str) -> Any:
            names.append(name)
            return numpy

        self.patch(masks, "import_module", load)

        self.mask_the_first()
        mask(TEXT, KEY)

        self.assertEqual(names, ["numpy"])

    def test_small_payload_does_not_load_it(self) -> None:
        mask(TEXT[:SMALL], KEY)

        self.assertIs(masks._mask_large, masks._first)


def _not_installed(name: str) -> Any:
    raise ImportError(name)
