"""A throw-away certificate authority for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Authority:
    """An authority whose certificate lies in ``ca.pem`` of a folder.

    Args:
        folder: where all files go.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("test authority")
        certificate = (
            _builder(self._name, self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.ca_file = str(self._write("ca.pem", _pem(certificate)))

    def issue(self, *names: str, old: bool = False) -> tuple[str, str]:
        """Make a server's certificate for names or addresses; returns its file and its key's.

        Args:
            old: makes a key of RSA, which some key exchanges need.
        """
        key: Key = rsa.generate_private_key(65537, 2048) if old else _new_key()
        certificate = (
            _builder(_name(names[0]), self._name, key.public_key())
            .add_extension(
                x509.SubjectAlternativeName([_alternative(name) for name in names]), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )
        private = _private_pem(key)
        stem = names[0].replace(":", "_") + ("-old" if old else "")
        return (
            str(self._write(f"{stem}.pem", _pem(certificate))),
            str(self._write(f"{stem}.key", private)),
        )

    def _write(self, name: str, content: bytes) -> Path:
        path = self._folder / name
        path.touch(mode=0o600)
        path.write_bytes(content)
        return path


def self_signed(folder: Path) -> tuple[str, str]:
    """Make a certificate with a common name alone, as old tools do; returns both files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("hv1")
    certificate = _builder(name, name, key.public_key()).sign(key, hashes.SHA256())
    paths = folder / "old.pem", folder / "old.key"
    for path, content in zip(paths, (_pem(certificate), _private_pem(key)), strict=True):
        path.write_bytes(content)
    return str(paths[0]), str(paths[1])


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private_pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
