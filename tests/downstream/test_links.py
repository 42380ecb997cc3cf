"""Where a token stands in a link."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.downstream.requests import OTHER, TOKEN, visit


class TokenTests(SynchronousTestCase):
    def test_the_query_of_any_path(self) -> None:
        for target in (f"/?token={TOKEN}", f"/websockify?token={TOKEN}", f"//x/y?token={TOKEN}"):
            self.assertEqual(visit(target).token, TOKEN)

    def test_beside_other_parameters(self) -> None:
        self.assertEqual(visit(f"/?autoconnect=1&token={TOKEN}&scale=1").token, TOKEN)

    def test_inside_novncs_path_parameter(self) -> None:
        for path in (
            f"%3Ftoken%3D{TOKEN}",
            f"websockify%3Ftoken%3D{TOKEN}",
            f"%2Fwebsockify%3Fa%3Db%26token%3D{TOKEN}",
        ):
            self.assertEqual(visit(f"/vnc_auto.html?path={path}").token, TOKEN)

    def test_the_last_of_several_counts(self) -> None:
        self.assertEqual(visit(f"/?token={OTHER}&token={TOKEN}").token, TOKEN)

    def test_the_query_comes_before_the_path_parameter(self) -> None:
        target = f"/?path=%3Ftoken%3D{OTHER}&token={TOKEN}"

        self.assertEqual(visit(target).token, TOKEN)

    def test_an_empty_one_does_not_hide_another(self) -> None:
        self.assertEqual(visit(f"/?token=&path=%3Ftoken%3D{TOKEN}").token, TOKEN)
        self.assertEqual(visit(f"/?token={TOKEN}&token=").token, TOKEN)

    def test_none(self) -> None:
        for target in ("/", "/?", "/?token", "/?token=", "/?path=", "/?path=%3F", "/?a=b"):
            self.assertEqual(visit(target).token, "")

    def test_bytes_that_are_no_text_are_kept_apart(self) -> None:
        self.assertEqual(visit("/?token=%ff%00%0d%0a").token, "\xff\0\r\n")
        for path in ("%ff%5b//%3F", "//%5B", "//%5B%3Ftoken%3D", "%3F%3F%26%26"):
            self.assertEqual(visit(f"/?path={path}").token, "")

    def test_no_token_shows_in_what_is_logged_of_a_visit(self) -> None:
        self.assertNotIn(TOKEN, repr(visit(f"/?token={TOKEN}")))
