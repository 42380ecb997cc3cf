from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.tokens.access_url import access_url


class AccessURLTests(SynchronousTestCase):
    def test_secret_becomes_the_query(self) -> None:
        url = access_url("http://127.0.0.1:6080/", "s3cret_-")

        self.assertEqual(url, "http://127.0.0.1:6080/?token=s3cret_-")

    def test_path_prefix_is_kept(self) -> None:
        url = access_url("https://portal.example.com/console/", "abc")

        self.assertEqual(url, "https://portal.example.com/console/?token=abc")

    def test_existing_query_and_fragment_are_kept(self) -> None:
        url = access_url("https://c.example.com/vnc?scale=on&x=%2F#top", "abc")

        self.assertEqual(url, "https://c.example.com/vnc?scale=on&x=%2F&token=abc#top")

    def test_empty_path_becomes_a_slash(self) -> None:
        url = access_url("http://[fd00::1]:6081", "abc")

        self.assertEqual(url, "http://[fd00::1]:6081/?token=abc")

    def test_what_could_end_the_parameter_is_escaped(self) -> None:
        url = access_url("http://c.example.com/", "a&b=#/")

        self.assertEqual(url, "http://c.example.com/?token=a%26b%3D%23%2F")
