"""What went wrong between here and a server, in words that say what to do."""

import json
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import requests
import websocket

from ademan.client.address import KEY_VARIABLE, Address
from ademan.errors import RemoteError

_LONGEST = 300  # letters of a message that somebody else wrote


def unreachable(error: BaseException, address: Address) -> RemoteError:
    """Return what to say when no answer came, by the first cause that is known."""
    for cause in _causes(error):
        if isinstance(cause, websocket.WebSocketBadStatusException):
            return refused(cause.status_code, cause.resp_body or b"", address)
        text = _explained(cause, address)
        if text:
            return RemoteError(text)
    return RemoteError(f"{address.url} cannot be reached: {shortened(error)}.")


_SIGNS: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    (
        (ssl.SSLCertVerificationError,),
        "the certificate of {url} is not trusted: {verify_message}.\n"
        "Name the file of the certificate that is:  --ca FILE  (verify=FILE in Python).\n"
        "On a network that you trust, do without:  --insecure  (verify=False).",
    ),
    ((ssl.SSLError,), "{url} does not answer in TLS: {reason}. Is it http:// rather than https://?"),
    (
        (ConnectionRefusedError,),
        "{url} cannot be reached: nothing listens there. Is the address right, and `ademan serve` running?",
    ),
    ((socket.gaierror,), "{url} cannot be reached: there is no machine of that name ({strerror})."),
    (
        (TimeoutError, requests.Timeout, websocket.WebSocketTimeoutException),
        "{url} does not answer in time. Is the address right, and the network up?",
    ),
    (
        (ConnectionResetError, BrokenPipeError, websocket.WebSocketConnectionClosedException),
        "{url} closed the connection.",
    ),
)
"""What an exception of a library means, the special ones first."""


def _explained(cause: BaseException, address: Address) -> str:
    for kinds, text in _SIGNS:
        if isinstance(cause, kinds):
            known = {name: getattr(cause, name, "") for name in ("verify_message", "reason", "strerror")}
            return text.format(url=address.url, **known)
    if isinstance(cause, OSError) and cause.strerror:
        return f"{address.url} cannot be reached: {cause.strerror}."
    return ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those behind it, the innermost first."""
    chain: list[BaseException] = []
    waiting = [error]
    while waiting and len(chain) < 20:
        found = waiting.pop(0)
        if found in chain:
            continue
        chain.append(found)
        behind = (found.__cause__, found.__context__, getattr(found, "reason", None), *found.args)
        waiting += [other for other in behind if isinstance(other, BaseException)]
    return iter(chain[::-1])


def refused(status: int, body: bytes, address: Address) -> RemoteError:
    """Return what to say of an answer that is no success."""
    said = said_by(_as_json(body))
    if status == 401:
        return RemoteError(
            f"{address.url} does not accept the key: {said or 'it answered 401'}"
            if address.key
            else f"{address.url} asks for a key. Give it in the variable {KEY_VARIABLE}, or by --key."
        )
    if said:
        return RemoteError(f"{address.url}: {said}")
    return stranger(address, f"it answered {status}")


def stranger(address: Address, why: str) -> RemoteError:
    """Return what to say of something that answers, but is no server of ours."""
    return RemoteError(f"what answers at {address.url} is no ademan server: {why}. Is the address right?")


def said_by(content: Any) -> str:
    """Return the message of an error that a server sent; empty if it is none."""
    error = content.get("error") if isinstance(content, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    return shortened(message) if isinstance(message, str) else ""


def shortened(text: object) -> str:
    """Return a text of somebody else's as one printable line that is not too long."""
    line = "".join(letter if letter.isprintable() else " " for letter in str(text))
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} ..."


def _as_json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
