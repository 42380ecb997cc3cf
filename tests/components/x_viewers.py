"""Native viewers on an X display that is not shown."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from .displays import new_display
from .vnc_servers import end

LIMIT = 60.0
"""Seconds for what a viewer or a display does."""


class Display:
    """An Xvfb without a window manager.

    Args:
        folder: where its files go.
        size: of its screen.

    Attributes:
        number: by which X clients know it.
        environment: of programs that show their windows there.
    """

    def __init__(self, folder: Path, size: str = "1000x700") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # without -noreset it starts anew, under the next viewer, when the last window is closed
        self._process = subprocess.Popen(
            [
                "Xvfb",
                f":{new_display()}",
                "-displayfd",
                "1",
                "-screen",
                "0",
                f"{size}x24",
                "-noreset",
            ],
            stdout=subprocess.PIPE,
            stderr=(folder / "xvfb.log").open("ab"),
        )
        assert self._process.stdout is not None
        with self._process.stdout as told:
            number = told.readline().decode().strip()
        if not number:
            raise RuntimeError(f"Xvfb did not start:\n{(folder / 'xvfb.log').read_text()}")
        self.number = number
        self.environment = {**os.environ, "DISPLAY": f":{number}", "HOME": str(folder)}

    def stop(self) -> None:
        """End it, and the viewers that it shows."""
        end(self._process)

    def focus(self, title: str) -> None:
        """Give the keyboard to the newest window with this title, once there is one."""
        until(lambda: self._focus(title), f"a window {title!r}")

    def type(self, text: str) -> None:
        """Type a text."""
        self._tell("type", "--delay", "20", text)

    def press(self, *keys: str) -> None:
        """Press keys by their names, one after the other."""
        self._tell("key", "--delay", "20", *keys)

    def click(self, x: int, y: int) -> None:
        """Click at a place of the screen."""
        self._tell("mousemove", str(x), str(y), "click", "1")

    def windows(self) -> list[str]:
        """Return the titles of all windows that have one."""
        found = self._run("search", "--onlyvisible", "--name", ".", "getwindowname", "%@")
        return found.splitlines()

    def _focus(self, title: str) -> bool:
        found = self._run("search", "--onlyvisible", "--name", title).split()
        if not found:
            return False
        self._tell("windowfocus", "--sync", found[-1])
        return True

    def _tell(self, *words: str) -> None:
        subprocess.run(["xdotool", *words], env=self.environment, check=True, timeout=LIMIT)

    def _run(self, *words: str) -> str:
        command = ["xdotool", *words]
        try:
            found = subprocess.run(
                command, env=self.environment, capture_output=True, text=True, timeout=LIMIT / 6
            )
        except subprocess.TimeoutExpired:  # a window was closed in the middle of it
            return ""
        return found.stdout


class ViewerProgram:
    """A viewer's process.

    Args:
        command: its command line.
        environment: beside that of the display.
    """

    def __init__(
        self, display: Display, *command: str, environment: Mapping[str, str] | None = None
    ) -> None:
        folder = Path(display.environment["HOME"])
        self._log = folder / f"{Path(command[0]).name}-{time.monotonic_ns()}.log"
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**display.environment, **(environment or {})},
            )

    def said(self) -> str:
        """Return what it has printed, in one line."""
        return " ".join(self._log.read_text(errors="replace").split())

    def until_said(self, text: str) -> str:
        """Wait until it has printed a text; returns all that it has printed."""
        until(lambda: text in self.said(), f"{text!r} of {self._log.name}", self.said)
        return self.said()

    def stop(self) -> None:
        """End it; one that shows a message may not heed a signal."""
        self.process.terminate()
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def tigervnc(
    display: Display, port: int, password: str, ca_file: str = "", *more: str
) -> ViewerProgram:
    """Run TigerVNC's viewer on a port of localhost.

    Args:
        password: entered by its environment; it asks for an empty one.
        ca_file: the authority that it trusts.
        more: further words of its command line.
    """
    words = [f"-X509CA={ca_file}"] if ca_file else []
    entered = {"VNC_USERNAME": "alice", "VNC_PASSWORD": password} if password else {}
    # encodings that need no long run of its own: it would change them in the middle of a test
    fixed = ["-AutoSelect=0", "-PreferredEncoding=ZRLE", "-ReconnectOnError=0"]
    command = ["xtigervncviewer", *words, *fixed, *more, f"localhost::{port}"]
    return ViewerProgram(display, *command, environment=entered)


def gvncviewer(display: Display, port: int, ca_file: str) -> ViewerProgram:
    """Run gvncviewer on a port of localhost; it asks for user and password in a window.

    Args:
        ca_file: the authority that it trusts, as if it were one of the system.
    """
    trusting = 'mount --bind "$0" /etc/ssl/certs/ca-certificates.crt && exec "$@"'
    viewer = ("gvncviewer", f"localhost:{port - 5900}")
    return ViewerProgram(display, "unshare", "-m", "sh", "-c", trusting, ca_file, *viewer)


def until(
    condition: Callable[[], object], what: str, state: Callable[[], str] = lambda: ""
) -> None:
    """Wait until something holds."""
    give_up = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > give_up:
            raise AssertionError(f"not within {LIMIT:g} s: {what}\n{state()}")
        time.sleep(0.05)


def java_viewer(display: Display, port: int) -> ViewerProgram:
    """Run TightVNC's Java viewer on a port of loopback."""
    jar = "/usr/share/java/tightvncviewer.jar"
    return ViewerProgram(display, "java", "-jar", jar, "HOST", "127.0.0.1", "PORT", str(port))


class Clipboard:
    """The clipboard of an X display.

    Args:
        display: its number.
    """

    def __init__(self, display: str) -> None:
        self._environment = {**os.environ, "DISPLAY": f":{display}"}
        self._owner: subprocess.Popen[bytes] | None = None

    def copy(self, text: str) -> None:
        """Put a text there."""
        owner, self._owner = (
            self._owner,
            subprocess.Popen(
                ["xclip", "-selection", "clipboard", "-quiet"],
                stdin=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self._environment,
            ),
        )
        assert self._owner.stdin is not None
        with self._owner.stdin as written:
            written.write(text.encode())
        until(lambda: self.paste() == text, f"{text!r} in the clipboard")
        end(owner)

    def paste(self) -> str:
        """Return the text there; empty for none."""
        command = ["xclip", "-selection", "clipboard", "-out"]
        found = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, timeout=LIMIT
        )
        return found.stdout

    def close(self) -> None:
        """Empty it."""
        end(self._owner)
