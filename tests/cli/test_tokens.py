from __future__ import annotations

import json

from tests.doubles.api import session
from tests.doubles.cli import CommandTestCase
from vncproxy.errors import BackendError


class IssueTests(CommandTestCase):
    def printed(self, *options: str) -> str:
        return self.output("token", "issue", "kvm/web-01", "--user", "alice", *options)

    def test_url_is_all_that_is_printed(self) -> None:
        url = self.printed()

        self.assertRegex(url, r"\Ahttps://console\.example\.com/\?token=[\w-]{43}\n\Z")

    def test_json_has_the_whole_answer(self) -> None:
        issued = json.loads(self.printed("--json", "--type", "xvpvnc", "--ttl", "60"))

        self.assertEqual((issued["vm"], issued["type"]), ("kvm/web-01", "xvpvnc"))
        self.assertEqual(issued["expires_at"], "2026-01-02T03:05:05Z")

    def test_native_viewers_have_their_command_line_on_standard_error(self) -> None:
        self.rfb_address = "[2001:db8::1]:5900"
        self.serve()

        result = self.run_command("token", "issue", "kvm/web-01", "--user", "a", "--type", "xvpvnc")

        self.assertRegex(result.stdout, r"\Ahttp\S+/console\?token=[\w-]{43}\n\Z")
        self.assertIn("vncviewer [2001:db8::1]::5900 ", result.stderr)
        self.assertNotIn("token=", result.stderr)
        self.assertNotIn("rfb_address", self.printed("--json"))

    def test_policy_is_put_together_from_its_options(self) -> None:
        issued = json.loads(
            self.printed(
                "--policy-json",
                '{"uses": 5, "idle_timeout": 600}',
                "--policy",
                "uses=0",
                "--policy",
                "client_networks=10.0.0.0/8, fd00::/8",
                "--policy",
                "mode=control",
                "--policy",
                "confirm=true",
                "--json",
            )
        )

        policy = issued["policy"]
        self.assertEqual((policy["uses"], policy["idle_timeout"]), (0, 600))
        self.assertEqual(policy["client_networks"], ["10.0.0.0/8", "fd00::/8"])
        self.assertIs(policy["confirm"], True)

    def test_a_machine_that_is_not_there_gets_a_token_by_force_only(self) -> None:
        command = ("token", "issue", "kvm/gone", "--user", "alice")

        self.assertFails(
            self.run_command(*command),
            1,
            "Error: vm: the backend 'kvm' has no machine 'gone'; --force issues a token all the",
        )
        self.assertIn("?token=", self.output(*command, "--force"))

    def test_a_backend_that_cannot_tell_leaves_it_to_force(self) -> None:
        self.kvm.failure = BackendError("the API is down")

        result = self.run_command("token", "issue", "kvm/web-01", "--user", "alice")

        self.assertFails(result, 1, "could not be looked up", "--force")

    def test_refusal_of_the_api_names_the_field(self) -> None:
        result = self.run_command(
            "token", "issue", "kvm/web-01", "--user", "alice", "--policy", "record=true"
        )

        self.assertFails(result, 1, "Error: policy.record: record: true is not enforced")

    def test_usage_errors_say_what_is_right(self) -> None:
        for options, word in (
            (("--policy", "colour=red"), "max_duration"),
            (("--policy", "uses"), "KEY=VALUE"),
            (("--policy-json", "{"), "not JSON"),
            (("--policy-json", "[]"), "no JSON object"),
            (("--type", "spice"), "'novnc', 'xvpvnc'"),
            (("--ttl", "soon"), "not a valid float"),
        ):
            result = self.run_command("token", "issue", "kvm/web-01", "--user", "a", *options)

            self.assertFails(result, 2, word)
        self.assertFails(self.run_command("token", "issue", "kvm/web-01"), 2, "--user")
        self.assertEqual(self.transport.requests, [])


class ShowTests(CommandTestCase):
    def test_token_is_shown_in_aligned_lines(self) -> None:
        token_id = self.issue(
            policy={"max_duration": 60, "allowed_origins": ["https://a.org", "https://b.org"]}
        ).body["id"]

        lines = self.output("token", "show", token_id).splitlines()

        self.assertIn("vm:                         kvm/web-01", lines)
        self.assertIn("uses left:                  1", lines)
        self.assertIn("policy max_duration:        60.0", lines)
        self.assertIn("policy idle_timeout:        no limit", lines)
        self.assertIn("policy client_networks:     any", lines)
        self.assertIn("policy allowed_origins:     https://a.org, https://b.org", lines)
        self.assertIn("policy record:              no", lines)

    def test_no_origin_means_no_other_page_than_the_proxys(self) -> None:
        shown = self.output("token", "show", self.issue().body["id"])

        self.assertIn("policy allowed_origins:     the proxy's own", shown.splitlines())
        self.assertIn("policy confirm:             as configured", shown.splitlines())

    def test_json_is_the_answer(self) -> None:
        token_id = self.issue().body["id"]

        shown = json.loads(self.output("token", "show", token_id, "--json"))

        self.assertEqual(shown["id"], token_id)

    def test_unknown_token_is_a_failure(self) -> None:
        self.assertFails(self.run_command("token", "show", "0" * 64), 1, "no such token")

    def test_id_cannot_leave_its_place_in_the_path(self) -> None:
        result = self.run_command("token", "show", "../sessions")

        self.assertFails(result, 1)
        self.assertEqual(self.transport.requests, [("GET", "/v1/tokens/..%2Fsessions")])


class RevokeTests(CommandTestCase):
    def test_token_is_revoked(self) -> None:
        issued = self.issue().body
        self.sessions.add(session(token_id=issued["id"]))

        printed = self.output("token", "revoke", issued["id"])

        self.assertEqual(printed, "revoked tokens: 1, ended sessions: 1\n")

    def test_machine_and_user_are_revoked(self) -> None:
        self.issue(user="zoë & co")
        self.issue()

        by_user = self.output("token", "revoke", "--user", "zoë & co", "--json")
        by_vm = self.output("token", "revoke", "--vm", "kvm/web-01", "--json")

        self.assertEqual(json.loads(by_user), {"revoked": 1, "ended": 0})
        self.assertEqual(json.loads(by_vm), {"revoked": 1, "ended": 0})

    def test_exactly_one_choice_is_needed(self) -> None:
        for arguments in ((), ("a", "--vm", "kvm/1"), ("--vm", "kvm/1", "--user", "a")):
            result = self.run_command("token", "revoke", *arguments)

            self.assertFails(result, 2, "give one of ID, --vm, --user, --jti and --signer")
        self.assertEqual(self.transport.requests, [])
