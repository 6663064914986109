import hashlib
import multiprocessing
import os
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ademan.errors import AdemanError, ServerError
from ademan.server import tls
from ademan.server.tls import AUTHORITY, check_pair, fingerprint, machine_names, self_signed


def read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def names_of(certificate: Path) -> set[str]:
    named = read(certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in named}


def shift_clock(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Shifted":
            return cls.fromtimestamp((datetime.now(tz) + by).timestamp(), tz)

    monkeypatch.setattr(tls, "datetime", Shifted)


@contextmanager
def served(certificate: Path, key: Path, host: str = "127.0.0.1") -> Iterator[int]:
    """Answer one connection over TLS with 'hello'; gives the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            try:
                with context.wrap_socket(connection, server_side=True) as wrapped:
                    wrapped.sendall(b"hello")
            except OSError:  # the client did not like it
                connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        yield int(listener.getsockname()[1])
        thread.join(10)


def greeting(port: int, name: str, trusted: Path, host: str = "127.0.0.1") -> bytes:
    """Connect as a strict client that trusts one file and expects a name."""
    context = ssl.create_default_context(cafile=str(trusted))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with (
        socket.create_connection((host, port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=name) as wrapped,
    ):
        return wrapped.recv(5)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
@pytest.mark.parametrize("trusted", ["certificate.pem", AUTHORITY])
def test_a_client_that_trusts_the_certificate_or_its_authority_connects(
    name: str, trusted: str, tmp_path: Path
) -> None:
    certificate, key = self_signed(tmp_path)
    with served(certificate, key) as port:
        assert greeting(port, name, certificate.parent / trusted) == b"hello"


def test_a_client_refuses_a_name_that_is_not_in_it(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path, ["localhost"])
    with served(certificate, key) as port, pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        greeting(port, "elsewhere.example", certificate)


def test_a_client_that_trusts_nothing_refuses_it(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path / "a")
    stranger, _ = self_signed(tmp_path / "b")
    with served(certificate, key) as port, pytest.raises(ssl.SSLCertVerificationError, match="verify failed"):
        greeting(port, "localhost", stranger)


def test_it_names_this_machine_and_no_address_that_changes_daily(tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path)
    host = socket.gethostname().lower().partition(".")[0]
    assert names_of(certificate) == set(machine_names()) >= {"localhost", host, f"{host}.local", "127.0.0.1", "::1"}
    addresses = [name for name in machine_names() if re.fullmatch(r"[0-9.]+|.*:.*", name)]
    assert all(ip_address(address).version == 4 or ip_address(address).is_loopback for address in addresses)


def test_the_key_is_p256_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    assert key.stat().st_mode & 0o777 == 0o600
    public = read(certificate).public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert public.curve.name == "secp256r1"


def test_the_key_is_never_readable_while_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes = []

    def watched(file: int, mode: str) -> object:
        modes.append(os.fstat(file).st_mode & 0o777)
        return fdopen(file, mode)

    fdopen = os.fdopen
    monkeypatch.setattr(os, "fdopen", watched)
    before = os.umask(0)
    try:
        self_signed(tmp_path)
    finally:
        os.umask(before)
    assert modes == [0o600]


def test_it_lasts_397_days_at_most_and_began_yesterday(tmp_path: Path) -> None:
    made = read(self_signed(tmp_path)[0])
    assert made.not_valid_after_utc - made.not_valid_before_utc <= timedelta(days=397)
    assert made.not_valid_before_utc < datetime.now(UTC) - timedelta(hours=12)


def test_the_authority_signs_this_certificate_only_and_its_key_is_kept_nowhere(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    authority = read(certificate.parent / AUTHORITY)
    read(certificate).verify_directly_issued_by(authority)
    assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value == x509.BasicConstraints(True, 0)
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    assert private.public_key() != authority.public_key()
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"certificate.pem", "key.pem", AUTHORITY}


def test_it_is_made_once(tmp_path: Path) -> None:
    assert self_signed(tmp_path) == self_signed(tmp_path)


def test_of_two_the_newer_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = self_signed(tmp_path, ["localhost"])
    with monkeypatch.context() as later:
        shift_clock(later, timedelta(days=1))
        second = self_signed(tmp_path, ["localhost", "pi.local"])
    assert first != second == self_signed(tmp_path, ["localhost"])


def test_a_name_that_it_lacks_makes_a_new_one(tmp_path: Path) -> None:
    old, _ = self_signed(tmp_path, ["localhost", "pi"])
    new, _ = self_signed(tmp_path, ["localhost", "pi", "192.168.1.7"])
    assert names_of(new) == {"localhost", "pi", "192.168.1.7"}
    assert old.is_file()  # a server that runs with it may be there still
    assert self_signed(tmp_path, ["PI"])[0] == new


@pytest.mark.parametrize(("days", "stays"), [(370, True), (383, False), (-3, False)])
def test_one_that_ends_within_14_days_or_has_not_begun_is_replaced(
    days: int, stays: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = self_signed(tmp_path)
    shift_clock(monkeypatch, timedelta(days=days))
    assert (self_signed(tmp_path) == before) is stays


@pytest.mark.parametrize("damaged", ["certificate.pem", "key.pem"])
def test_a_damaged_one_is_replaced(damaged: str, tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path)
    (certificate.parent / damaged).write_text("half of it")
    assert self_signed(tmp_path)[0] != certificate
    check_pair(*self_signed(tmp_path))


def test_something_else_in_the_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "not-ours").mkdir()
    (tmp_path / "a-file").write_text("x")
    check_pair(*self_signed(tmp_path))
    assert (tmp_path / "a-file").read_text() == "x"


def test_processes_that_make_it_at_once_all_get_a_good_pair(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        pairs = pool.map(self_signed, [tmp_path] * 8, chunksize=1)
    for pair in pairs:
        check_pair(*pair)
    assert not list(tmp_path.glob(".*"))


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AdemanError, match=r"file.* was not written: "):
        self_signed(tmp_path / "file" / "folder")


def test_long_and_odd_host_names_are_survived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for host in ("x" * 63 + ".example.org", "münchen", "", "Pi_4.lan"):
        monkeypatch.setattr(socket, "gethostname", lambda host=host: host)
        check_pair(*self_signed(tmp_path))
    assert {"pi_4.lan", "pi_4", "pi_4.local"} <= set(machine_names())


def test_a_machine_without_network_has_its_own_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "_NOWHERE", ("256.0.0.1", 9))
    assert {"localhost", "127.0.0.1", "::1"} <= set(machine_names())


def test_the_fingerprint_is_that_of_openssl(tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path)
    der = ssl.PEM_cert_to_DER_cert(certificate.read_text().split("-----END")[0] + "-----END CERTIFICATE-----\n")
    told = fingerprint(certificate)
    assert re.fullmatch(r"([0-9A-F]{2}:){31}[0-9A-F]{2}", told)
    assert told.replace(":", "").lower() == hashlib.sha256(der).hexdigest()


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    return self_signed(tmp_path / "pair", ["localhost"])


def test_missing_files_are_named_with_their_flags(pair: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=r"there is no .*no\.pem; --tls-cert names the file with the certificate"):
        check_pair(tmp_path / "no.pem", pair[1])
    with pytest.raises(ServerError, match=r"there is no .*no\.pem; --tls-key names the file with the key"):
        check_pair(pair[0], tmp_path / "no.pem")


def test_a_file_that_cannot_be_read_is_named(pair: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=r"cannot be read: Is a directory"):
        check_pair(tmp_path, pair[1])


def test_what_is_no_pem_is_said(pair: tuple[Path, Path], tmp_path: Path) -> None:
    der = tmp_path / "cert.der"
    der.write_bytes(read(pair[0]).public_bytes(serialization.Encoding.DER))
    with pytest.raises(ServerError, match=r"holds no certificate in PEM.*\n.*openssl x509 -inform der"):
        check_pair(der, pair[1])
    with pytest.raises(ServerError, match=r"holds no certificate in PEM"):
        fingerprint(pair[1])
    with pytest.raises(ServerError, match=r"holds no private key in PEM"):
        check_pair(pair[0], pair[0])


def test_a_key_with_a_password_is_refused(pair: tuple[Path, Path], tmp_path: Path) -> None:
    private = serialization.load_pem_private_key(pair[1].read_bytes(), None)
    locked = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    (tmp_path / "locked.pem").write_bytes(locked)
    with pytest.raises(ServerError, match=r"locked\.pem is protected by a password"):
        check_pair(pair[0], tmp_path / "locked.pem")


def test_the_key_of_another_certificate_is_refused(pair: tuple[Path, Path], tmp_path: Path) -> None:
    _, other = self_signed(tmp_path / "other")
    with pytest.raises(ServerError, match=r"is not the key of .*certificate\.pem"):
        check_pair(pair[0], other)


@pytest.mark.parametrize(("days", "told"), [(398, r"ended on \d{4}-\d\d-\d\d .* renew"), (-3, r"begins on \d{4}-")])
def test_dates_that_are_over_or_to_come_are_told(
    days: int, told: str, pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    shift_clock(monkeypatch, timedelta(days=days))
    with pytest.raises(ServerError, match=told):
        check_pair(*pair)


def test_a_chain_that_is_damaged_further_down_is_refused(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """Only OpenSSL reads beyond the first certificate."""
    (tmp_path / "chain.pem").write_text(pair[0].read_text()[:-60])
    with pytest.raises(ServerError, match=r"chain\.pem and .* cannot be used: "):
        check_pair(tmp_path / "chain.pem", pair[1])
