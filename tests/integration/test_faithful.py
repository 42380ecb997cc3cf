"""Recordings of a desktop from real viewers show what these have shown, and the desktop itself."""

from __future__ import annotations

import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.faithful.comparing import compare
from tests.faithful.copied import wrong_in_copy
from tests.faithful.course import go_through
from tests.faithful.screens import XScreen
from tests.faithful.viewers import ChromiumViewer, LosslessViewer
from vncproxy.web.install import install


class FaithfulTests(SynchronousTestCase):
    timeout = 300

    def test_a_desktop_with_a_moving_picture(self) -> None:
        install()
        folder = Path(tempfile.mkdtemp(prefix="faithful-"))
        screen = XScreen(folder, 640, 400, (200, 150), 0.04)
        self.addCleanup(screen.stop)

        makes = (ChromiumViewer, LosslessViewer)
        album, files = go_through(folder, screen, makes, seconds=1, every=2, quiet=1)

        browser = compare(files["Chromium"], "Chromium", album.moments)
        self.assertEqual((browser.wrong, browser.shown, browser.moving), ([], 1, 1))
        native = compare(files[LosslessViewer.name], LosslessViewer.name, album.moments)
        self.assertEqual((native.wrong, native.shown, native.equal), ([], 1, 1))
        for name, found in ((ChromiumViewer.name, browser), (LosslessViewer.name, native)):
            self.assertEqual(wrong_in_copy(files[name], found.pictures), [])
