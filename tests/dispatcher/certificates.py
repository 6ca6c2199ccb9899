"""A private authority for tests, and the good and bad certificates it signs."""

import ipaddress
import ssl
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Authority:
    """Signs server certificates; `bundle` is the file that a client trusts."""

    directory: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def create(cls, directory: Path) -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(
            subject="test authority", issuer="test authority", key=key, signer=key, is_ca=True
        )
        (directory / "authority.pem").write_bytes(_pem(certificate))
        return cls(directory, key, certificate)

    @property
    def bundle(self) -> str:
        return str(self.directory / "authority.pem")

    def server_context(
        self,
        *,
        host: str = "127.0.0.1",
        valid_from: timedelta = -10 * _DAY,
        valid_for: timedelta = _DAY,
        self_signed: bool = False,
    ) -> ssl.SSLContext:
        """A server's TLS context with a certificate for `host`, valid between two moments seen from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(
            subject=host,
            issuer=host if self_signed else "test authority",
            key=key,
            signer=key if self_signed else self.key,
            valid_from=valid_from,
            valid_for=valid_for,
        )
        path = self.directory / f"server-{certificate.serial_number}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(private + _pem(certificate))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def stranger(self) -> "Authority":
        """Another authority of the same name, which nobody trusts."""
        directory = self.directory / "stranger"
        directory.mkdir(exist_ok=True)
        return Authority.create(directory)

    def client_certificate_context(self) -> ssl.SSLContext:
        """A good certificate on a server that lets nobody in without one of their own.

        TLS 1.2: there the refusal comes before the request, in 1.3 behind it.
        """
        context = self.server_context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(self.bundle)
        return context

    def old_tls_context(self) -> ssl.SSLContext:
        """A good certificate on a server that speaks TLS 1.1 at most."""
        context = self.server_context()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        return context


def _certificate(
    *,
    subject: str,
    issuer: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    is_ca: bool = False,
    valid_from: timedelta = -10 * _DAY,
    valid_for: timedelta = _DAY,
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + valid_from)
        .not_valid_after(now + valid_for)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    )
    if not is_ca:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_alternative_name(subject)]), critical=False
        )
    return builder.sign(signer, hashes.SHA256())


def _alternative_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
