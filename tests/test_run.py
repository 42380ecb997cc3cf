"""The runner of the suite: what it counts, and in which order it runs."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.run import MOST_AGAIN, SLOWEST, Count, count, modules, run_all


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


class AgainTests(SynchronousTestCase):
    """Runs stand in for modules, each of which fails so many times."""

    def run_all(self, **failures: int) -> tuple[Count, list[str]]:
        left = {name.replace("__", "."): count for name, count in failures.items()}
        ran: list[str] = []

        def run(name: str) -> Count:
            ran.append(name)
            left[name] -= 1
            return Count(failed=1) if left[name] >= 0 else Count(passed=1)

        return run_all(list(left), 1, run), ran

    def test_one_that_fails_beside_others_runs_again_and_its_second_run_counts(self) -> None:
        total, ran = self.run_all(tests__integration__a=1, tests__b=0)
        self.assertEqual(total, Count(passed=2))
        self.assertEqual(ran, ["tests.integration.a", "tests.b", "tests.integration.a"])

    def test_one_that_fails_alone_as_well_has_failed(self) -> None:
        total, _ = self.run_all(tests__integration__a=2, tests__b=0)
        self.assertEqual(total, Count(passed=1, failed=1))

    def test_tests_without_components_do_not_run_again(self) -> None:
        total, ran = self.run_all(tests__b=1, tests__integration__a=1)
        self.assertEqual(total, Count(failed=2))
        self.assertEqual(len(ran), 2)

    def test_neither_do_more_than_a_few(self) -> None:
        names = {f"tests__integration__{number}": 1 for number in range(MOST_AGAIN + 1)}
        total, ran = self.run_all(**names)
        self.assertEqual(total, Count(failed=MOST_AGAIN + 1))
        self.assertEqual(len(ran), MOST_AGAIN + 1)
