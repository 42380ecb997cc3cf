"""Configurations whose parts do not fit together."""

from __future__ import annotations

from tests.doubles.config import HASH, LoadCase


class MistakeTests(LoadCase):
    def test_all_of_them_are_told_at_once(self) -> None:
        lines = self.errors_in(
            f"""
            top = 1
            [proxy]
            instances = 2
            [lmits]
            sessions = 1
            [limits]
            sessions = 0
            [tokens]
            ttl = "600"
            [api.keys.portal]
            hash = "{HASH}"
            scopes = ["isue"]
            backends = ["kmv"]
            [api.keys.desk]
            hash = "{HASH}"
            [backends.kvm]
            type = "toy"
            adress = "10.0.0.1"
            [backends.esx]
            type = "tyo"
            """
        )
        self.assertEqual(
            sorted(line.partition(": ")[0] for line in lines),
            [
                "[api.keys.desk] hash",
                "[api.keys.desk] scopes",
                "[api.keys.portal] backends[0]",
                "[api.keys.portal] scopes[0]",
                "[backends.esx] type",
                "[backends.kvm] address",
                "[backends.kvm] adress",
                "[limits] sessions",
                "[lmits]",
                "[tokens] store",
                "[tokens] ttl",
                "top",
            ],
        )

    def test_the_same_endpoint_twice(self) -> None:
        (line,) = self.errors_in('[listen]\nweb = ["tcp:6081"]')
        self.assertEqual(
            line, '[listen] xvp: must name each endpoint once, and "tcp:6081" is there twice'
        )

    def test_a_longest_ttl_below_the_ordinary_one(self) -> None:
        self.assert_mistake(
            "[tokens]\nttl = 700\nmax_ttl = 60",
            "[tokens] max_ttl: 60 is not allowed; at least ttl, which is 700",
        )

    def test_workers_with_tokens_in_memory(self) -> None:
        allowed = (
            '"memory" is not allowed; [proxy] workers or supervisor is set, and a token in the '
            'memory of one worker is unknown to the others; "redis" shares them'
        )
        for table in ("workers = 2", 'workers = "auto"', "supervisor = true"):
            with self.subTest(table=table):
                self.assert_mistake(f"[proxy]\n{table}", f"[tokens] store: {allowed}")

    def test_an_ordinary_ttl_above_the_longest_by_default(self) -> None:
        (line,) = self.errors_in("[tokens]\nttl = 100000")
        self.assertEqual(
            line, "[tokens] max_ttl: 86400 is not allowed; at least ttl, which is 100000"
        )

    def test_a_certificate_authority_without_tls(self) -> None:
        self.assert_mistake(
            '[redis]\nca_file = "/ca.pem"',
            '[redis] ca_file: "/ca.pem" is not allowed; has no effect without tls = true',
        )

    def test_an_address_beside_sentinels(self) -> None:
        for key in ('host = "r1"', "port = 6380", 'path = "/run/redis.sock"'):
            with self.subTest(key=key):
                self.assert_mistake(
                    f'[redis]\nsentinels = ["s1"]\nmaster = "console"\n{key}',
                    f"[redis] {key.split()[0]}: must not stand beside sentinels, which say where "
                    "the primary is",
                )

    def test_sentinels_without_the_name_of_the_primary(self) -> None:
        self.assert_mistake(
            '[redis]\nsentinels = ["s1", "s2:26380"]',
            "[redis] master: is missing: the name that the sentinels watch the primary by",
        )

    def test_what_is_for_sentinels_without_any(self) -> None:
        for line in ('master = "m"', 'sentinel_password = "horse"', "sentinel_tls = true"):
            with self.subTest(line=line):
                self.assert_mistake(
                    f"[redis]\n{line}",
                    f"[redis] {line.split()[0]}: has no effect without sentinels",
                )

    def test_authorities_for_sentinels_without_tls(self) -> None:
        self.assert_mistake(
            '[redis]\nsentinels = ["s1"]\nmaster = "m"\nsentinel_ca_file = "/ca.pem"',
            "[redis] sentinel_ca_file: has no effect without sentinel_tls = true",
        )

    def test_sentinels_that_cannot_be_dialled(self) -> None:
        for text in ("", "a b", "s1:0", "s1:65536", "0.0.0.0", "::1", "redis://s1"):
            with self.subTest(text=text):
                (line,) = self.errors_in(f'[redis]\nsentinels = ["{text}"]\nmaster = "m"')
                self.assertTrue(line.startswith("[redis] sentinels[0]: "), line)

    def test_a_sentinel_that_stands_there_twice(self) -> None:
        self.assert_mistake(
            '[redis]\nsentinels = ["s1", "s1:26379"]\nmaster = "m"',
            '[redis] sentinels: must name each sentinel once, and "s1" is there twice',
        )

    def test_replicas_that_are_waited_for_longer_than_an_operation_lasts(self) -> None:
        self.assert_mistake(
            "[redis]\nwait_timeout = 1.0",
            "[redis] wait_timeout: 1.0 is not allowed; at most half of timeout, which is 0.75",
        )

    def test_several_instances_with_tokens_in_memory(self) -> None:
        allowed = (
            '"memory" is not allowed; [proxy] instances is 2, and a token in the memory of one'
            ' process is unknown to the others; "redis" shares them'
        )
        for text in ("", '[tokens]\nstore = "memory"', "[tokens]\nttl = 3"):
            with self.subTest(text=text):
                self.assert_mistake(f"[proxy]\ninstances = 2\n{text}", f"[tokens] store: {allowed}")

    def test_a_key_for_a_backend_that_is_not_configured(self) -> None:
        self.assert_mistake(
            f"""
            [api.keys.portal]
            hash = "{HASH}"
            scopes = ["issue"]
            backends = ["*", "kmv"]
            [backends.kvm]
            type = "toy"
            address = "a"
            """,
            '[api.keys.portal] backends[1]: "kmv" is not allowed;'
            ' must be "*" or the NAME of a [backends.NAME] or [zones.NAME]; did you mean kvm?',
        )

    def test_two_keys_with_one_hash(self) -> None:
        self.assert_mistake(
            f"""
            [api.keys.portal]
            hash = "{HASH}"
            scopes = ["issue"]
            [api.keys.desk]
            hash = "{HASH}"
            scopes = ["read"]
            """,
            "[api.keys.desk] hash: is the hash of another key too; keys must differ",
        )

    def test_patterns_and_bounds_of_a_key(self) -> None:
        lines = self.errors_in(
            f"""
            [api.keys.portal]
            hash = "{HASH}"
            scopes = ["issue"]
            vms = ["kvm"]
            policy = {{ max_duration = -1, mod = "view-only", uses = 0 }}
            [api.keys.desk]
            hash = "{HASH[:-1]}1"
            scopes = ["issue"]
            vms = []
            policy = {{ allowed_origins = ["https://*"] }}
            """
        )
        written = 'a pattern is "*" or written <backend>/<id>, for example kvm/web-*'
        self.assertEqual(
            sorted(lines),
            [
                '[api.keys.desk] policy: may have "*" as the first label of a host: '
                "https://*.apps.example.com",
                "[api.keys.desk] vms: must not be empty",
                "[api.keys.portal] policy.max_duration: -1 is not allowed; more than 0",
                "[api.keys.portal] policy.mod: unknown key; did you mean mode?",
                "[api.keys.portal] policy.uses: 0 is not allowed; at least 1",
                f"[api.keys.portal] vms: {written}",
            ],
        )

    def test_a_key_without_scopes(self) -> None:
        self.assert_mistake(
            f'[api.keys.portal]\nhash = "{HASH}"\nscopes = []',
            "[api.keys.portal] scopes: must not be empty",
        )

    def test_a_type_of_backend_that_is_not_installed(self) -> None:
        self.assert_mistake(
            '[backends.kvm]\ntype = "tyo"',
            "[backends.kvm] type: no backend 'tyo'; installed are toy",
        )

    def test_a_backend_without_a_type(self) -> None:
        self.assert_mistake(
            "[backends.kvm]", "[backends.kvm] type: must be a string that names a type of backend"
        )

    def test_a_backend_that_is_not_a_table(self) -> None:
        self.assert_mistake(
            "[backends]\nkvm = 3", "[backends.kvm]: 3 is not allowed; must be a table"
        )

    def test_a_backend_whose_name_no_token_could_hold(self) -> None:
        for name in ("a/b", "a b", "x" * 65):
            with self.subTest(name=name):
                (line,) = self.errors_in(f'[backends."{name}"]\ntype = "toy"\naddress = "a"')
                self.assertTrue(
                    line.endswith(
                        f'"{name}" is not allowed;'
                        " a name has letters, digits, '_', '.' and '-', and not more than 64"
                    ),
                    line,
                )

    def test_token_sources_that_cannot_work(self) -> None:
        for table, expected in {
            'type = "file"': "[token_sources.old] type: no token source 'file'; known are toy-file",
            'path = "/x"': "[token_sources.old] type: must be a string that names a type of token"
            " source",
            'type = "toy-file"': "[token_sources.old] path: is missing",
            'type = "toy-file"\npath = "/x"\npaths = 1': "[token_sources.old] paths: unknown key;"
            " did you mean path?",
        }.items():
            with self.subTest(table=table):
                self.assertEqual(self.errors_in(f"[token_sources.old]\n{table}\n"), [expected])

    def test_a_token_source_that_is_called_as_a_backend(self) -> None:
        lines = self.errors_in(
            """
            [backends.old]
            type = "toy"
            address = "a"
            [token_sources.old]
            type = "toy-file"
            path = "/x"
            """
        )
        self.assertEqual(len(lines), 1)
        self.assertIn('"old" is a backend or a zone too', lines[0])
