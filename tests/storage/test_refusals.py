"""What can go wrong between here and a bucket is told in words, with what to do next."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ademan.errors import MissingExtraError, StorageError
from ademan.storage import fetch_bundle, pull, push, remote_version
from tests.storage.servers import BUCKET, Between, refusal

URL = f"s3://{BUCKET}/models/hands"
REFUSED = {
    "AccessDenied": (
        r"^access to s3://bucket/models/hands at http://\S+ is denied. The credentials in use need s3:ListBucket and "
        r"s3:GetObject to pull; to push also s3:PutObject, s3:AbortMultipartUpload and s3:ListMultipartUploadParts\. "
        r"\(It says: AccessDenied: for a test\)$"
    ),
    "InvalidAccessKeyId": r"does not know the access key in use. Look at AWS_ACCESS_KEY_ID and AWS_PROFILE\.",
    "SignatureDoesNotMatch": r"does not take the secret key in use. Look at AWS_SECRET_ACCESS_KEY and AWS_PROFILE\.",
    "ExpiredToken": r"the credentials in use are no longer valid at http://\S+\. Log in again\.",
    "RequestTimeTooSkewed": r"refuses requests, since the clock of this computer is wrong. Set it\.",
    "AuthorizationHeaderMalformed": r"the bucket 'bucket' is in another region than http://\S+\. Set AWS_REGION",
    "SlowDown": r"is overloaded or has a fault, and was so at each try. Do the same again later: it goes on\.",
    "NoSuchBucket": r"there is no bucket 'bucket' at http://\S+\. Look at its name and at --endpoint-url, or make it",
    "ConditionalRequestConflict": r"somebody else is writing s3://bucket/models/hands at http://\S+, too. Do the same",
    "BadDigest": r"received for s3://bucket/models/hands is not what was sent; the way there is faulty. Push again\.",
    "EntityTooLarge": r"takes nothing as large as what was to become s3://bucket/models/hands\.",
    "PreconditionFailed": r"s3://bucket/models/hands at http://\S+ was changed by somebody else meanwhile\. Do",
    **dict.fromkeys(
        ("NotImplemented", "InvalidRequest"),
        r"cannot do what is asked of it for s3://bucket/models/hands\. If it knows no SHA-256 of requests, set "
        r"AWS_REQUEST_CHECKSUM_CALCULATION=when_required, and push again\.",
    ),
    "MethodNotAllowed": (
        r"^http://\S+ refused what was asked of it for s3://bucket/models/hands\. \(It says: MethodNotAllowed: for a"
    ),
}
STATUS = {"SlowDown": 503, "AuthorizationHeaderMalformed": 400, "ExpiredToken": 400, "NoSuchBucket": 404}


@pytest.fixture
def small_file(tmp_path: Path) -> Path:
    path = tmp_path / "small"
    path.write_text("small")
    return path


@pytest.mark.parametrize("code", [code for code in REFUSED if code != "NoSuchBucket"])
def test_a_refusal_to_look_is_told_with_its_reason(
    between: Between, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer to HEAD has no body: the reason is asked for once more."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    between.refuse = refusal(STATUS.get(code, 403), code)
    with pytest.raises(StorageError, match=REFUSED[code]):
        pull(URL, tmp_path / "hands")
    assert not (tmp_path / "hands").exists()


@pytest.mark.parametrize("code", [code for code in REFUSED if code != "PreconditionFailed"])
def test_a_refusal_to_write_is_told(
    between: Between, code: str, small_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    between.refuse = refusal(STATUS.get(code, 403), code, "PUT")
    with pytest.raises(StorageError, match=REFUSED[code]):
        push(small_file, URL)


def test_an_object_that_may_be_listed_but_not_read_is_told(between: Between, s3: Any, tmp_path: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key="models/hands", Body=b"x")
    between.refuse = refusal(403, "AccessDenied", "HEAD")
    with pytest.raises(StorageError, match=r"is denied.*\(It says: 403: Forbidden\)$"):
        pull(URL, tmp_path / "hands")


def test_an_object_that_is_missing_is_told_with_those_that_are_there(s3: Any, tmp_path: Path) -> None:
    with pytest.raises(
        StorageError, match=r"^there is no s3://bucket/models/hands at http://\S+\. There is nothing be"
    ):
        pull(URL, tmp_path / "hands")
    for name in "abcdefg":
        s3.put_object(Bucket=BUCKET, Key=f"models/{name * 10}", Body=b"x")
    with pytest.raises(StorageError, match=r"s3://bucket/models/ has models/a{10}, .*, models/e{10}\.$"):
        pull(URL, tmp_path / "hands")
    for name in ("hands.zip", "hands2"):
        s3.put_object(Bucket=BUCKET, Key=f"models/{name}", Body=b"x")
    near = r"Did you mean s3://bucket/models/hands2 or s3://bucket/models/hands.zip\?$"
    with pytest.raises(StorageError, match=near):
        pull(URL, tmp_path / "hands")


def test_an_object_that_is_missing_is_told_where_nothing_may_be_listed(between: Between, tmp_path: Path) -> None:
    between.refuse = refusal(403, "AccessDenied", part="list-type")
    with pytest.raises(
        StorageError, match=r"there is no s3://bucket/models/hands .*What is there may not be listed\.$"
    ):
        pull(URL, tmp_path / "hands")


@pytest.mark.parametrize(
    "ask",
    [
        lambda url, path: pull(url, path / "hands"),
        lambda url, path: push(path / "small", url),
        fetch_bundle,
    ],
)
def test_a_bucket_that_is_missing_is_told(
    s3: Any, ask: Callable[[str, Path], object], tmp_path: Path, small_file: Path
) -> None:
    with pytest.raises(StorageError, match=r"^there is no bucket 'nobody' at http://\S+\. Look at its name and at"):
        ask("s3://nobody/hands", tmp_path)


def test_a_server_that_cannot_be_reached_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"  # nobody listens
        with pytest.raises(
            StorageError,
            match=rf"^{url} cannot be reached, or broke off, at s3://bucket/models/hands \(Could not connect .*\)\. "
            r"Look at the network and at --endpoint-url, and do the same again: it goes on where it was\.$",
        ):
            pull(URL, tmp_path / "hands", endpoint_url=url)


def test_a_server_that_speaks_otherwise_is_told(between: Between, tmp_path: Path, s3: Any) -> None:
    def alter(method: str, path: str, body: bytes) -> bytes:
        return b"<ListBucketResult><MaxKeys>many</MaxKeys></ListBucketResult>" if method == "GET" else body

    between.alter = alter
    with pytest.raises(
        StorageError, match=rf"^{between.url} does not answer as S3 does \(.*\)\. Look at --endpoint-url"
    ):
        pull(URL, tmp_path / "hands")


def test_an_answer_that_says_nothing_of_the_object_is_told(between: Between, tmp_path: Path) -> None:
    between.bare = True
    with pytest.raises(
        StorageError, match=r"does not answer as S3 does \(it tells no size\)\. Look at --endpoint-url\.$"
    ):
        pull(URL, tmp_path / "hands")


def test_a_server_whose_certificate_is_not_trusted_is_told(
    between: Between, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    url = between.url.replace("http", "https")
    with pytest.raises(StorageError, match=rf"^the certificate of {url} is not trusted \(.*AWS_CA_BUNDLE can name the"):
        pull(URL, tmp_path / "hands", endpoint_url=url)


@pytest.mark.parametrize("missing", ["AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY"])
def test_missing_credentials_are_told(missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in missing.split():
        monkeypatch.delenv(name)
    with pytest.raises(
        StorageError,
        match=r"^there are no credentials for \S+ \(.*\)\. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
        r"AWS_PROFILE for what `aws configure` has written into ~/.aws\.$",
    ):
        pull(URL, tmp_path / "hands")


def test_a_profile_that_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(
        StorageError, match=r"no credentials for S3 \(The config profile \(nobody\) could not be found\)"
    ):
        remote_version(URL)


@pytest.mark.parametrize("url", ["localhost:9000", "http://", "ftp://localhost", "s3://bucket"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(StorageError, match=r"is no address of a server; expected http://HOST:PORT or https://HOST\.$"):
        remote_version(URL, url)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("AWS_MAX_ATTEMPTS", "many", r"^the settings for S3 cannot be used: invalid literal for int\(\).*'many'\.$"),
        ("AWS_MAX_ATTEMPTS", "-1", r"^s3://bucket/models/hands at S3: .*-1"),
        ("AWS_ENDPOINT_URL", "http://a b", r"^the settings for S3 cannot be used: Invalid endpoint: http://a b\.$"),
    ],
)
def test_settings_that_cannot_be_used_are_told(
    name: str, value: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(StorageError, match=why):
        remote_version(URL)


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "boto3", None)
    with pytest.raises(
        MissingExtraError, match=r"^Storage in a bucket needs the package 'boto3'.*\n.*pip install 'ademan\[cloud\]'$"
    ):
        remote_version(URL)
