"""A stack with locks: certificates of its own authority, SCRAM users, and an authorizer that allows nobody anything by itself.

Everything is made on the spot and lies in the stack's directory, readable by its owner alone.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from deploy.local.ports import HOST

ADMIN, BROKER = "admin", "broker"
VALID = timedelta(days=365)
# Certificates are checked against clocks that may go a little wrong.
BACKDATED = timedelta(hours=1)


class Security:
    """The authority, certificates and passwords of one stack; made at its first start, kept with its data."""

    def __init__(self, home: Path, mutual: bool = False) -> None:
        self._home = home
        self.mutual = mutual
        """Clients show certificates of the authority instead of names and passwords (mTLS)."""
        self.ca_file = home / "ca.pem"
        self._ca_key_file = home / "ca.key"

    def prepare(self) -> None:
        """Make what is missing."""
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.ca_file.exists():
            self._make_authority()
        for name in (ADMIN, BROKER):
            if not self._password_file(name).exists():
                _write_secret(self._password_file(name), secrets.token_urlsafe(24).encode())
            if not self.certificate(name)[0].exists():
                self.issue(name)

    def password(self, name: str) -> str:
        """The password of the administrator or of the broker itself."""
        return self._password_file(name).read_text()

    def certificate(self, name: str) -> tuple[Path, Path]:
        """Where a client's certificate and its key are, once issued."""
        return self._home / f"{name}.pem", self._home / f"{name}.key"

    def issue(self, name: str) -> tuple[Path, Path]:
        """A certificate for a client of that name, and its key."""
        ca = x509.load_pem_x509_certificate(self.ca_file.read_bytes())
        ca_key = serialization.load_pem_private_key(self._ca_key_file.read_bytes(), password=None)
        assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
        key = ec.generate_private_key(ec.SECP256R1())
        here = [x509.IPAddress(ipaddress.ip_address(HOST)), x509.DNSName("localhost")]
        certificate = (
            _builder(name, ca.subject, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(here), critical=False)
            .add_extension(
                x509.ExtendedKeyUsage(
                    [ExtendedKeyUsageOID.CLIENT_AUTH]
                    if name != BROKER
                    else [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
                ),
                critical=False,
            )
            .sign(ca_key, hashes.SHA256())
        )
        certificate_file, key_file = self.certificate(name)
        _write_secret(key_file, _pem(key))
        _write_secret(certificate_file, certificate.public_bytes(serialization.Encoding.PEM))
        if name == BROKER:
            _write_secret(self._keystore, key_file.read_bytes() + certificate_file.read_bytes())
        return certificate_file, key_file

    def broker_properties(self) -> dict[str, str]:
        """What the broker's configuration has beyond, or in place of, an open one's."""
        jaas = (
            "org.apache.kafka.common.security.scram.ScramLoginModule required "
            f'username="{BROKER}" password="{self.password(BROKER)}";'
        )
        client = (
            {"listener.name.client.ssl.client.auth": "required"}
            if self.mutual
            else {
                "sasl.enabled.mechanisms": "SCRAM-SHA-512",
                "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
                "listener.name.client.scram-sha-512.sasl.jaas.config": jaas,
            }
        )
        protocol = "SSL" if self.mutual else "SASL_SSL"
        return {
            **self._common(),
            **client,
            "listener.security.protocol.map": f"CLIENT:{protocol},CONTROLLER:SSL",
        }

    def controller_properties(self) -> dict[str, str]:
        """The same for the controller alone."""
        return {**self._common(), "listener.security.protocol.map": "CONTROLLER:SSL"}

    def _common(self) -> dict[str, str]:
        return {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self._keystore),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.ca_file),
            "ssl.principal.mapping.rules": "RULE:^CN=([A-Za-z0-9_-]+)$/$1/,DEFAULT",
            "listener.name.controller.ssl.client.auth": "required",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "false",
            "super.users": f"User:{ADMIN};User:{BROKER}",
        }

    def format_arguments(self) -> list[str]:
        """The users that exist before the first start; through a file, since a command line is everybody's to read."""
        if self.mutual:
            return []
        path = self._home / "format.arguments"
        lines = []
        for name in (ADMIN, BROKER):
            lines += ["--add-scram", f"SCRAM-SHA-512=[name={name},password={self.password(name)}]"]
        _write_secret(path, "".join(f"{line}\n" for line in lines).encode())
        return [f"@{path}"]

    def probe_context(self) -> ssl.SSLContext:
        """For asking whether the broker or its controller answers: as the broker itself."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        context.load_cert_chain(*self.certificate(BROKER))
        return context

    def settings(self) -> Mapping[str, str]:
        """How the administrator connects, as the router's settings."""
        common = {"NOVETO_KAFKA_CA_FILE": str(self.ca_file)}
        if self.mutual:
            certificate, key = self.certificate(ADMIN)
            return common | {
                "NOVETO_KAFKA_SECURITY_PROTOCOL": "SSL",
                "NOVETO_KAFKA_CERT_FILE": str(certificate),
                "NOVETO_KAFKA_KEY_FILE": str(key),
            }
        credentials = self._home / "admin.credentials"
        # one user for everything: the administrator's commands only
        _write_secret(credentials, f"{ADMIN} {self.password(ADMIN)}\n".encode())
        return common | {
            "NOVETO_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "NOVETO_KAFKA_CREDENTIALS_FILE": str(credentials),
        }

    @property
    def _keystore(self) -> Path:
        return self._home / "broker.keystore.pem"

    def _password_file(self, name: str) -> Path:
        return self._home / f"{name}.password"

    def _make_authority(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("noveto local authority")
        certificate = (
            _builder("noveto local authority", name, key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=False,
                    content_commitment=False,
                    key_encipherment=False,
                    data_encipherment=False,
                    key_agreement=False,
                    key_cert_sign=True,
                    crl_sign=True,
                    encipher_only=False,
                    decipher_only=False,
                ),
                critical=True,
            )
            .sign(key, hashes.SHA256())
        )
        _write_secret(self._ca_key_file, _pem(key))
        _write_secret(self.ca_file, certificate.public_bytes(serialization.Encoding.PEM))


def _builder(name: str, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + VALID)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_secret(path: Path, content: bytes) -> None:
    """Never readable by others, not even for a moment."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
