from __future__ import annotations

import json
from typing import Any

from tests.doubles.cli import CommandTestCase
from vncproxy.api import Scope


class StoredKeysTests(CommandTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.key = self.add_key("manager", Scope.ADMIN, Scope.KEYS)
        self.serve()

    def create(self, *options: str) -> dict[str, Any]:
        words = ("key", "create", "tenant", "--scope", "issue", "--json")
        created: dict[str, Any] = json.loads(self.output(*words, *options))
        return created

    def test_a_new_key_has_what_its_options_say(self) -> None:
        created = self.create("--vm", "kvm/web-*", "--policy", "max_duration=60", "--days", "1")

        self.assertEqual((created["name"], created["vms"]), ("tenant", ["kvm/web-*"]))
        self.assertEqual(created["expires_at"], "2026-01-03T03:04:05Z")
        self.assertEqual(created["policy"]["max_duration"], 60)

    def test_list_shows_who_may_do_what(self) -> None:
        self.create("--vm", "kvm/web-*")

        lines = self.output("key", "list").splitlines()
        self.assertRegex(lines[0], "^ID +NAME +SCOPES +MACHINES +EXPIRES +LAST USED +SOURCE$")
        self.assertRegex(lines[-1], r"^[0-9a-f]{12}  tenant +issue +kvm/web-\* +2026-.* store$")
        self.assertEqual(len(lines), 4)

    def test_revoke_takes_an_id_or_its_beginning(self) -> None:
        for length in (64, 12):
            key_id = self.create()["id"][:length]
            self.assertEqual(self.output("key", "revoke", key_id), "revoked\n")

    def test_what_is_not_there_is_said(self) -> None:
        self.assertFails(self.run_command("key", "revoke", "a" * 12), 1, "there is no such key")
