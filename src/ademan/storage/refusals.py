"""Botocore's errors in words: what went wrong, where, and what to do next."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from ademan.errors import StorageError, require
from ademan.storage.place import Place

_SAME = {
    "404": "NoSuchKey",
    "NotFound": "NoSuchKey",
    "403": "AccessDenied",
    "Forbidden": "AccessDenied",
    "AllAccessDisabled": "AccessDenied",
    "AuthorizationHeaderMalformed": "PermanentRedirect",
    "301": "PermanentRedirect",
    "IllegalLocationConstraintException": "PermanentRedirect",
    "TokenRefreshRequired": "ExpiredToken",
    "InvalidToken": "ExpiredToken",
    "ServiceUnavailable": "SlowDown",
    "InternalError": "SlowDown",
    "RequestTimeout": "SlowDown",
    "500": "SlowDown",
    "503": "SlowDown",
    "412": "PreconditionFailed",
    "InvalidDigest": "BadDigest",
    "XAmzContentSHA256Mismatch": "BadDigest",
    "501": "NotImplemented",
    "XNotImplemented": "NotImplemented",
    "InvalidArgument": "NotImplemented",
    "InvalidRequest": "NotImplemented",
}
"""Codes that mean the same. An answer to HEAD has no body, so its code is a number."""
_WORDS = {
    "NoSuchBucket": "there is no bucket '{bucket}' at {at}. Look at its name and at --endpoint-url, or make it first.",
    "NoSuchKey": "there is no {place} at {at}.",
    "AccessDenied": (
        "access to {place} at {at} is denied. The credentials in use need s3:ListBucket and s3:GetObject to pull; to "
        "push also s3:PutObject, s3:AbortMultipartUpload and s3:ListMultipartUploadParts."
    ),
    "InvalidAccessKeyId": "{at} does not know the access key in use. Look at AWS_ACCESS_KEY_ID and AWS_PROFILE.",
    "SignatureDoesNotMatch": "{at} does not take the secret key in use. Look at AWS_SECRET_ACCESS_KEY and AWS_PROFILE.",
    "ExpiredToken": "the credentials in use are no longer valid at {at}. Log in again.",
    "RequestTimeTooSkewed": "{at} refuses requests, since the clock of this computer is wrong. Set it.",
    "PermanentRedirect": "the bucket '{bucket}' is in another region than {at}. Set AWS_REGION to that of the bucket.",
    "SlowDown": "{at} is overloaded or has a fault, and was so at each try. Do the same again later: it goes on.",
    "PreconditionFailed": "{place} at {at} was changed by somebody else meanwhile. Do the same again.",
    "ConditionalRequestConflict": "somebody else is writing {place} at {at}, too. Do the same again.",
    "NoSuchUpload": "the unfinished upload of {place} was ended by somebody else, or by a rule. Push again.",
    "BadDigest": "what {at} received for {place} is not what was sent; the way there is faulty. Push again.",
    "EntityTooLarge": "{at} takes nothing as large as what was to become {place}.",
    "NotImplemented": (
        "{at} cannot do what is asked of it for {place}. If it knows no SHA-256 of requests, set "
        "AWS_REQUEST_CHECKSUM_CALCULATION=when_required, and push again."
    ),
}
_UNKNOWN = "{at} refused what was asked of it for {place}."
NO_S3 = "{at} does not answer as S3 does ({why}). Look at --endpoint-url."
_CREDENTIALS = (
    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE for what `aws configure` has written into ~/.aws."
)
_NO_CREDENTIALS = {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "ProfileNotFound"}


def botocore_errors() -> ModuleType:
    """Return the module of botocore's errors.

    Raises:
        MissingExtraError: boto3 is not installed.
    """
    return require("botocore.exceptions", feature="Storage in a bucket", extra="cloud")


def code_of(error: StorageError) -> str:
    """Return the code with which a server refused; empty if it was no server's refusal."""
    response = getattr(error.__cause__, "response", None)
    return _code(response) if isinstance(response, dict) else ""


@contextmanager
def in_words(place: Place, at: str) -> Iterator[None]:
    """Turn botocore's errors into a StorageError that keeps the first one as its cause.

    Args:
        place: what is spoken of.
        at: address of the server that is asked.

    Raises:
        StorageError: a server cannot be reached or refuses, or there are no credentials.
    """
    errors, parsers = botocore_errors(), require("botocore.parsers", feature="Storage in a bucket", extra="cloud")
    try:
        yield
    except errors.ClientError as error:
        raise StorageError(_refusal(error.response, place, at)) from error
    except errors.BotoCoreError as error:
        raise StorageError(_failure(error, place, at, errors)) from error
    except (parsers.ResponseParserError, ValueError) as error:
        raise StorageError(NO_S3.format(at=at, why=error)) from error


def _code(response: dict[str, Any]) -> str:
    code = str(response.get("Error", {}).get("Code", ""))
    return _SAME.get(code, code)


def _refusal(response: dict[str, Any], place: Place, at: str) -> str:
    words = _WORDS.get(_code(response), _UNKNOWN).format(bucket=place.bucket, place=place, at=at)
    told = response.get("Error", {})
    said = ": ".join(str(told[name]) for name in ("Code", "Message") if told.get(name))
    return f"{words} (It says: {said})" if said else words


def _failure(error: Exception, place: Place, at: str, errors: ModuleType) -> str:
    why = str(error).rstrip(".")
    if type(error).__name__ in _NO_CREDENTIALS or "SSO" in type(error).__name__ or "Login" in type(error).__name__:
        return f"there are no credentials for {at} ({why}). {_CREDENTIALS}"
    if isinstance(error, errors.SSLError):
        return f"the certificate of {at} is not trusted ({why}). AWS_CA_BUNDLE can name the file of another authority."
    if isinstance(error, (errors.ConnectionError, errors.HTTPClientError, errors.IncompleteReadError)):
        return (
            f"{at} cannot be reached, or broke off, at {place} ({why}). Look at the network and at --endpoint-url, and "
            "do the same again: it goes on where it was."
        )
    return f"{place} at {at}: {why}."
