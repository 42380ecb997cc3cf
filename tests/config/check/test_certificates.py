from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.config.check.certificates import check_certificates
from vncproxy.config.check.finding import Finding

BEGIN = datetime(2030, 1, 1, tzinfo=UTC)
END = datetime(2030, 3, 1, tzinfo=UTC)
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "console.example.com")])


def self_signed(key: ec.EllipticCurvePrivateKey) -> bytes:
    certificate = (
        x509.CertificateBuilder()
        .subject_name(NAME)
        .issuer_name(NAME)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(BEGIN)
        .not_valid_after(END)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


def pem(key: ec.EllipticCurvePrivateKey, passphrase: bytes = b"") -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase)
        if passphrase
        else serialization.NoEncryption(),
    )


class CertificateTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        key = ec.generate_private_key(ec.SECP256R1())
        self.key = self.write("key.pem", pem(key))
        self.encrypted = self.write("locked.pem", pem(key, b"horse"))
        self.other_key = self.write("other.pem", pem(ec.generate_private_key(ec.SECP256R1())))
        self.certificate = self.write("cert.pem", self_signed(key))
        self.both = self.write("both.pem", pem(key) + self_signed(key))

    def write(self, name: str, content: bytes) -> str:
        path = self.folder / name
        path.write_bytes(content)
        return str(path)

    def check(self, key: str, certificate: str, now: datetime = BEGIN) -> Finding:
        endpoint = f"ssl:443:privateKey={key}:certKey={certificate}"
        (finding,) = check_certificates(endpoint, now.timestamp())
        return finding

    def test_a_listener_without_tls_has_none(self) -> None:
        self.assertEqual(list(check_certificates("tcp:6080", 0)), [])

    def test_a_certificate_with_its_key_is_good(self) -> None:
        self.assertEqual(
            str(self.check(self.key, self.certificate)),
            f"ok    certificate {self.certificate}: valid until 2030-03-01",
        )

    def test_key_and_certificate_may_share_a_file(self) -> None:
        (finding,) = check_certificates(f"ssl:443:privateKey={self.both}", BEGIN.timestamp())
        self.assertTrue(finding.ok)

    def test_behind_a_proxy_protocol_wrapper_it_is_looked_at_too(self) -> None:
        endpoint = f"haproxy:ssl:443:privateKey={self.both}"
        self.assertEqual(len(list(check_certificates(endpoint, BEGIN.timestamp()))), 1)

    def test_each_certificate_of_the_chain_is_looked_at(self) -> None:
        endpoint = f"ssl:443:privateKey={self.both}:extraCertChain={self.certificate}"
        self.assertEqual(len(list(check_certificates(endpoint, BEGIN.timestamp()))), 2)

    def test_one_of_another_key_fails(self) -> None:
        endpoint = f"ssl:443:privateKey={self.other_key}:certKey={self.certificate}"
        finding, validity = check_certificates(endpoint, BEGIN.timestamp())
        self.assertFalse(finding.ok)
        self.assertEqual(finding.text, f"it does not belong to the key {self.other_key}")
        self.assertTrue(validity.ok)

    def test_one_that_expired_fails(self) -> None:
        finding = self.check(self.key, self.certificate, END)
        self.assertFalse(finding.ok)
        self.assertEqual(finding.text, "it expired on 2030-03-01")

    def test_one_that_is_not_valid_yet_fails(self) -> None:
        finding = self.check(self.key, self.certificate, BEGIN - timedelta(seconds=1))
        self.assertFalse(finding.ok)
        self.assertEqual(finding.text, "it is not valid before 2030-01-01")

    def test_less_than_14_days_are_a_warning(self) -> None:
        finding = self.check(self.key, self.certificate, END - timedelta(days=14, seconds=-1))
        self.assertTrue(finding.ok and finding.warning)
        self.assertEqual(finding.text, "it expires on 2030-03-01, in 13 days")

    def test_14_days_are_not(self) -> None:
        self.assertFalse(self.check(self.key, self.certificate, END - timedelta(days=14)).warning)

    def test_files_that_cannot_be_used_fail_with_the_reason(self) -> None:
        nowhere = str(self.folder / "nowhere.pem")
        for key, certificate, text in (
            (self.key, nowhere, f"{nowhere} cannot be read: No such file or directory"),
            (nowhere, self.certificate, f"{nowhere} cannot be read: No such file or directory"),
            (self.key, self.key, f"{self.key} holds no certificate in PEM"),
            (
                self.certificate,
                self.certificate,
                f"{self.certificate} holds no private key in PEM",
            ),
            (self.encrypted, self.certificate, f"the key {self.encrypted} is encrypted"),
        ):
            with self.subTest(text=text):
                finding = self.check(key, certificate)
                self.assertFalse(finding.ok)
                self.assertEqual(finding.text, text)
