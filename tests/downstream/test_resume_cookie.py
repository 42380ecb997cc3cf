"""The cookie by which a browser re-enters a console."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.downstream.resume_cookie import (
    KEPT,
    REMOVED_AT_ONCE,
    remove_cookie,
    resume_cookie_name,
    surplus_cookies,
)

NAMES = [resume_cookie_name(str(number)) for number in range(100)]


class SurplusTests(SynchronousTestCase):
    def test_as_many_are_kept_as_there_is_room_beside_the_own(self) -> None:
        self.assertEqual(surplus_cookies(NAMES[: KEPT - 1], "new"), [])
        self.assertEqual(surplus_cookies(NAMES[:KEPT], "new"), NAMES[:1])

    def test_the_own_is_none_of_the_others(self) -> None:
        own = resume_cookie_name("new")

        self.assertEqual(surplus_cookies([own, *NAMES[: KEPT - 1]], "new"), [])
        self.assertNotIn(own, surplus_cookies([own, *NAMES], "new"))

    def test_other_cookies_are_left_alone(self) -> None:
        self.assertEqual(surplus_cookies([f"portal{n}" for n in range(100)], "new"), [])

    def test_many_are_removed_in_several_answers(self) -> None:
        left = list(NAMES)
        answers = 0
        while surplus := surplus_cookies(left, "new"):
            self.assertLessEqual(len(surplus), REMOVED_AT_ONCE)
            left = [name for name in left if name not in surplus]
            answers += 1
        self.assertEqual(left, NAMES[-(KEPT - 1) :])
        self.assertEqual(answers, 17)


class RemoveTests(SynchronousTestCase):
    def test_over_https_in_both_forms_that_it_may_have(self) -> None:
        self.assertEqual(
            remove_cookie("x", path="/a/", secure=True),
            [
                "x=; Path=/a/; Max-Age=0; HttpOnly; SameSite=Strict; Secure",
                "x=; Path=/a/; Max-Age=0; HttpOnly; SameSite=None; Secure; Partitioned",
            ],
        )
