"""The runner of the suite: what it counts, and in which order it runs."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.run import SLOWEST, Count, count, modules


class OrderTests(SynchronousTestCase):
    def test_the_slowest_modules_exist_and_run_first(self) -> None:
        self.assertEqual(tuple(modules()[: len(SLOWEST)]), SLOWEST)
        self.assertEqual(len(modules()), len(set(modules())))

    def test_every_module_runs(self) -> None:
        self.assertLessEqual({*SLOWEST, "tests.rfb", "tests.test_run"}, {*modules()})


class CountTests(SynchronousTestCase):
    def test_trials_summary_is_read(self) -> None:
        output = "Ran 5 tests in 0.1s\n\nFAILED (skips=1, failures=1, errors=1, successes=2)\n"
        self.assertEqual(count(output, 1), Count(passed=2, failed=2, skipped=1))

    def test_no_test_at_all_is_a_failure(self) -> None:
        self.assertEqual(count("Ran 0 tests in 0.0s\n\nPASSED\n", 0), Count(failed=1))

    def test_a_process_that_fails_after_its_tests_is_a_failure(self) -> None:
        output = "Ran 2 tests in 0.1s\n\nPASSED (successes=2)\n"
        self.assertEqual(count(output, 1), Count(passed=2, failed=1))
