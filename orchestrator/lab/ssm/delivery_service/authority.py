"""A certificate authority of the lab's own, which the machines of this lab trust and nobody else."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from orchestrator.files.held_folder import held_folder

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Longer than a lab is up.
_LIFE = timedelta(days=30)


class Authority:
    """Its key is in this process's memory only, and goes with the lab."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(f"{name} certificate authority")
        unsigned = _certificate(self._name, self._name, self._key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self._certificate = unsigned.sign(self._key, hashes.SHA256())

    @property
    def pem(self) -> str:
        """The certificate that machines trust."""
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    def server(self, names: Iterable[str]) -> ssl.SSLContext:
        """How a server of these names (`*.example.com` too) speaks TLS."""
        key = ec.generate_private_key(ec.SECP256R1())
        signed = (
            _certificate(_name("endpoints of the lab"), self._name, key.public_key())
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # OpenSSL reads them from a file only.
        with held_folder() as folder:
            file = folder / "server.pem"
            file.touch(mode=0o600)
            file.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
            context.load_cert_chain(file)
        return context


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _LIFE)
    )
