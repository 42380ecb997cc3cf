"""``vncproxy recordings`` against the API in memory."""

from __future__ import annotations

import json
from pathlib import Path

from tests.doubles.calls import CallsHere
from tests.doubles.cli import CommandTestCase
from tests.doubles.recorded_files import BEGAN, keep, name_of
from vncproxy.api import Scope
from vncproxy.api.v1.recordings import Reviews
from vncproxy.archive.folder import FolderLibrary
from vncproxy.review.memory import MemoryReviewLinks
from vncproxy.review.shelf import Shelf


class RecordingsTests(CommandTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        shelf = Shelf(FolderLibrary(self.folder), CallsHere(), "proxy-1")
        links = MemoryReviewLinks(self.clock.seconds)
        self.reviews = Reviews(shelf, links, "https://c.example.com/", lambda recorded: "yes")
        self.key = self.add_key("auditor", Scope.REVIEW, Scope.ADMIN)
        self.serve()
        for number, user in enumerate(("alice", "bob", "alice")):
            keep(self.folder, f"s{number}", BEGAN + number, user=user)

    def test_a_list(self) -> None:
        lines = self.output("recordings", "list", "--user", "alice").splitlines()
        self.assertEqual([line.split()[0] for line in lines], ["SESSION", "s2", "s0"])
        self.assertIn("2027-01-15T08:00:02Z", lines[1])
        self.assertEqual(
            self.output("recordings", "list", "--vm", "kvm/none"), "there are no such recordings\n"
        )

    def test_a_part_of_a_list_says_that_there_are_more(self) -> None:
        result = self.run_command("recordings", "list", "--limit", "2")
        self.assertEqual(len(result.stdout.splitlines()), 3)
        self.assertIn("more than 2", result.stderr)

    def test_a_list_for_programs(self) -> None:
        found = json.loads(self.output("recordings", "list", "--json", "--until", "2027-01-16"))
        self.assertEqual([each["session"] for each in found], ["s2", "s1", "s0"])

    def test_one(self) -> None:
        told = self.output("recordings", "show", "s1")
        self.assertIn("user:       bob", told)
        self.assertIn("sealed:     no", told)

    def test_a_link_and_its_end(self) -> None:
        url = self.output("recordings", "link", "s1", "--user", "rita", "--ttl", "60").strip()
        self.assertTrue(url.startswith("https://c.example.com/recordings/s1?token="), url)
        self.assertEqual(self.output("recordings", "revoke", "s1"), "revoked 1 link\n")
        told = json.loads(self.output("recordings", "link", "s1", "--user", "rita", "--json"))
        revoked = self.output("recordings", "revoke", "s1", "--link", told["id"], "--json")
        self.assertEqual(json.loads(revoked), {"revoked": 1})

    def test_deletion_asks_first(self) -> None:
        result = self.run_command("recordings", "delete", "s1")
        self.assertEqual(result.exit_code, 1)
        self.assertTrue((self.folder / name_of("s1", BEGAN + 1)).exists())
        self.output("recordings", "delete", "s1", "--yes")
        self.assertFalse((self.folder / name_of("s1", BEGAN + 1)).exists())

    def test_refusals(self) -> None:
        self.assertFails(self.run_command("recordings", "show", "none"), 1, "no such recording")
        output = str(self.folder / "saved")
        result = self.run_command("recordings", "save", "s1", "-o", output)
        self.assertFails(result, 1, "download")
        self.assertFalse(Path(output).exists())

    def test_no_file_is_written_over(self) -> None:
        saved = self.folder / "saved"
        saved.write_bytes(b"mine")
        result = self.run_command("recordings", "save", "s1", "-o", str(saved))
        self.assertFails(result, 1, "exists")
        self.assertEqual(saved.read_bytes(), b"mine")
