"""A recording is compared with the audit: its hash, and who was where and when."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner
from twisted.trial.unittest import SynchronousTestCase

from tests.replay.playing import ABOUT, recording_of
from vncproxy.cli import main

RECORDING = recording_of([])
WHO = {"session": ABOUT.session, "vm": ABOUT.vm, "user": ABOUT.user}
TIME = {"time": "2027-01-15T08:00:00.500+00:00"}
OPEN = {**TIME, "event": "open", **WHO, "client": ABOUT.client, "type": "novnc", "proxy": "p1"}
ENDED = {**TIME, "event": "recording", **WHO, "proxy": "p1", "hash": RECORDING[-32:].hex()}


class AuditTests(SynchronousTestCase):
    def verify(self, *lines: dict[str, str] | str) -> tuple[int, str]:
        folder = Path(self.mktemp())
        folder.mkdir()
        file, audit = folder / "a.vncr", folder / "audit"
        file.write_bytes(RECORDING)
        texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
        audit.write_text("".join(f"{text}\n" for text in texts))
        words = ["recording", "verify", str(file), "--audit", str(audit)]
        result = CliRunner().invoke(main, words)
        return result.exit_code, result.output

    def test_what_the_audit_has_is_told(self) -> None:
        foreign = {**OPEN, "session": "7f3b"}
        status, output = self.verify(
            foreign, OPEN, "{cut 7f3a", f"2027 [x#info] {json.dumps(ENDED)}"
        )
        self.assertEqual(status, 0, output)
        time = TIME["time"]
        words = f"the audit says the same: zoë at kvm/web-01 from 192.0.2.1, opened {time}"
        self.assertIn(words, output)

    def test_another_hash(self) -> None:
        status, output = self.verify(OPEN, {**ENDED, "hash": "00" * 32})
        self.assertEqual(status, 1)
        self.assertIn("another hash of it: somebody wrote it anew", output)

    def test_another_user_or_machine(self) -> None:
        for member in ("user", "vm", "client", "proxy"):
            status, output = self.verify({**OPEN, member: "mallory"}, ENDED)
            self.assertEqual(status, 1)
            self.assertIn(f"the audit has {member} 'mallory'", output)

    def test_no_line_and_no_hash(self) -> None:
        for lines, words in (((), "has no line of the session 7f3a"), ((OPEN,), "has no hash")):
            status, output = self.verify(*lines)
            self.assertEqual(status, 1)
            self.assertIn(words, output)
