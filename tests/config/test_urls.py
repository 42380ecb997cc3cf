from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.config import urls


class OriginTests(SynchronousTestCase):
    def test_it_is_what_browsers_send(self) -> None:
        for url, origin in {
            "http://127.0.0.1:6080/": "http://127.0.0.1:6080",
            "http://h:80/a/": "http://h",
            "https://H.Example.com:443/": "https://h.example.com",
            "https://h:80/": "https://h:80",
            "HTTPS://[2001:DB8::1]:8443/": "https://[2001:db8::1]:8443",
        }.items():
            with self.subTest(url=url):
                self.assertEqual(urls.origin(url), origin)

    def test_what_has_no_host_has_no_origin(self) -> None:
        for url in ("http:///", "file:///etc", "console", "", "http://[::1/"):
            with self.subTest(url=url):
                self.assertRaises(ValueError, urls.origin, url)


class PrefixTests(SynchronousTestCase):
    def test_it_goes_from_slash_to_slash(self) -> None:
        for url, prefix in {
            "http://h/": "/",
            "http://h": "/",
            "http://h/a/b/": "/a/b/",
            "http://h/a/console": "/a/",
        }.items():
            with self.subTest(url=url):
                self.assertEqual(urls.prefix(url), prefix)
