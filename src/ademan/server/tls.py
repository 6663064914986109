"""Certificates: one for a local network, made when it is asked for, and the check of those that are given.

A phone installs authorities only, and whoever holds the key of an authority that a phone trusts can pretend to be any
site to it. So each certificate gets an authority of its own, whose key signs once and is thrown away: trusting it
trusts this one certificate and nothing else, for ever.
"""

import ipaddress
import os
import re
import socket
import ssl
import struct
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ademan.errors import ServerError
from ademan.files import written_whole

if sys.platform == "linux":
    import fcntl

CERTIFICATE, KEY, AUTHORITY = "certificate.pem", "key.pem", "authority.crt"
"""Names of the files: certificate and authority for the server, its private key, the authority for phones."""
LIFETIME = timedelta(days=397)
"""Apple's systems refuse more than 398 days: https://support.apple.com/en-us/102028."""
_BACKDATED = timedelta(days=1)  # the clocks of others may be behind
_RENEWED_BEFORE = timedelta(days=14)
_DNS_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))*")
_NOWHERE = ("192.0.2.1", 9)  # an address kept for documents, RFC 5737; nothing is sent to it
_SIOCGIFADDR = 0x8915  # linux/sockios.h: the IPv4 address of an interface


def self_signed(folder: Path, names: Sequence[str] | None = None) -> tuple[Path, Path]:
    """Return the files of a certificate and its key; they are made if those that are there will not do.

    They will not if they are damaged, end within 14 days, or lack a name. Each pair is a folder of its own, which
    appears whole and is never changed: two processes at once make two pairs, and both are good.

    Args:
        folder: where the pairs are kept.
        names: host names and addresses to certify; by default those of this machine.

    Raises:
        AdemanError: the folder cannot be written.
    """
    wanted = machine_names() if names is None else tuple(name.lower() for name in names)
    made = sorted((pair for pair in folder.glob("*-*") if pair.is_dir()), reverse=True)
    pair = next((pair for pair in made if _will_do(pair, wanted)), None) or _make(folder, wanted)
    return pair / CERTIFICATE, pair / KEY


def fingerprint(certificate: Path) -> str:
    """Return the SHA-256 of a certificate as browsers show it: 32 pairs of digits, parted by colons.

    Raises:
        ServerError: it cannot be read.
    """
    return _certificate(certificate).fingerprint(hashes.SHA256()).hex(":").upper()


def check_pair(certificate: Path, key: Path) -> None:
    """Check that a server can use a certificate and its private key, PEM files both.

    Raises:
        ServerError: a file is missing, cannot be read or is no PEM; the key is another's; the dates are over.
    """
    found, private = _certificate(certificate), _private_key(key)
    if found.public_key() != private.public_key():
        raise ServerError(f"{key} is not the key of {certificate}; give the two files that were made together.")
    begins, ends, now = found.not_valid_before_utc, found.not_valid_after_utc, datetime.now(UTC)
    if now >= ends:
        raise ServerError(f"{certificate} ended on {ends:%Y-%m-%d %H:%M} UTC; renew it, or use --self-signed.")
    if now < begins:
        raise ServerError(
            f"{certificate} begins on {begins:%Y-%m-%d %H:%M} UTC; here it is {now:%Y-%m-%d %H:%M}. Is the clock right?"
        )
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except OSError as error:  # such as keys that OpenSSL finds too short; SSLError is one, too
        raise ServerError(f"{certificate} and {key} cannot be used: {error.strerror or error}.") from error


def machine_names() -> tuple[str, ...]:
    """Return the names and IPv4 addresses by which others in a local network reach this machine, and its own.

    Of IPv6 only the loopback is among them: other addresses change daily, and each would need a new certificate.
    """
    host = socket.gethostname().lower()
    short = host.partition(".")[0]
    names = [name for name in (host, short, f"{short}.local") if _DNS_NAME.fullmatch(name)]
    return tuple(dict.fromkeys(("localhost", *names, "127.0.0.1", "::1", *_addresses())))


def _addresses() -> Iterator[str]:
    """Yield that of the default route, and of each interface that is a piece of hardware: no bridges of containers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for interface in sorted(Path("/sys/class/net").glob("*/device")):
            asked = struct.pack("256s", interface.parent.name.encode()[:15])
            with suppress(OSError):  # it has none
                yield socket.inet_ntoa(fcntl.ioctl(probe, _SIOCGIFADDR, asked)[20:24])
        with suppress(OSError):  # there is no such route
            probe.connect(_NOWHERE)
            yield str(probe.getsockname()[0])


def _will_do(pair: Path, names: Sequence[str]) -> bool:
    try:
        check_pair(pair / CERTIFICATE, pair / KEY)
    except ServerError:
        return False
    certificate = _certificate(pair / CERTIFICATE)
    lasts = certificate.not_valid_after_utc - datetime.now(UTC) > _RENEWED_BEFORE
    return lasts and set(names) <= _names(certificate)


def _names(certificate: x509.Certificate) -> set[str]:
    try:
        named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {str(name.value) for name in named}


def _make(folder: Path, names: Sequence[str]) -> Path:
    """Make a pair and its authority; the authority's key ends with this function."""
    key, authority_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    serial = x509.random_serial_number()
    pair = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{serial % 2**32:08x}"
    signer = _name(f"Ademan {pair.name}")
    authority = _authority(signer, authority_key)
    certificate = _leaf(signer, authority_key, key.public_key(), names, serial)
    pem = authority.public_bytes(serialization.Encoding.PEM)
    with written_whole(pair) as beside:
        beside.mkdir()
        _write_secret(beside / KEY, _pem(key))
        (beside / CERTIFICATE).write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + pem)
        (beside / AUTHORITY).write_bytes(pem)
    return pair


def _authority(signer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = _builder(signer, signer, key.public_key(), x509.random_serial_number())
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    return builder.add_extension(own, critical=False).sign(key, hashes.SHA256())


def _leaf(
    signer: x509.Name,
    signer_key: ec.EllipticCurvePrivateKey,
    key: ec.EllipticCurvePublicKey,
    names: Sequence[str],
    serial: int,
) -> x509.Certificate:
    of_signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer_key.public_key())
    builder = _builder(_name(names[0]), signer, key, serial)
    builder = builder.add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    return builder.add_extension(of_signer, critical=False).sign(signer_key, hashes.SHA256())


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, serial: int
) -> x509.CertificateBuilder:
    begins = datetime.now(UTC) - _BACKDATED
    builder = x509.CertificateBuilder(issuer, subject, key, serial)
    return builder.not_valid_before(begins).not_valid_after(begins + LIFETIME)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])  # RFC 5280: 64 at most


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def _write_secret(path: Path, content: bytes) -> None:
    """Write a file that nobody else may read, from its first byte on."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(_content(path, "certificate"))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ServerError(
            f"{path} holds no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----.\n"
            f"If it is one in DER:  openssl x509 -inform der -in {path} -out {CERTIFICATE}"
        ) from error


def _private_key(path: Path) -> PrivateKeyTypes:
    try:
        return serialization.load_pem_private_key(_content(path, "key"), password=None)
    except TypeError as error:  # so cryptography says that it needs a password
        raise ServerError(
            f"{path} is protected by a password, which a server has nobody to ask for.\n"
            f"Take it off, for this server's eyes only:  (umask 077; openssl pkey -in {path} -out {KEY})"
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ServerError(
            f"{path} holds no private key in PEM, which begins with -----BEGIN PRIVATE KEY----- or like it."
        ) from error


def _content(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ServerError(f"there is no {path}; --tls-{what[:4]} names the file with the {what} (PEM).") from None
    except OSError as error:
        raise ServerError(f"{path} cannot be read: {error.strerror or error}.") from error
