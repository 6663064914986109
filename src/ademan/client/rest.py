"""Requests to a server, over one connection that is kept."""

import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import requests
import urllib3

from ademan.bundle import Manifest
from ademan.client.address import Address
from ademan.client.answers import manifest_of, name_and_version
from ademan.client.failures import refused, stranger, unreachable
from ademan.clip import Points

_LARGEST = 32 * 2**20  # bytes of an answer


class Rest:
    """Asks a server; one thread at a time.

    Args:
        address: of the server.
        timeout: seconds to wait for an answer.
    """

    def __init__(self, address: Address, timeout: float = 10.0) -> None:
        self.address, self.timeout = address, timeout
        self._session = requests.Session()
        self._session.headers.update(address.headers)
        if address.verify is False:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # it was asked for

    def get(self, path: str, *, also: tuple[int, ...] = ()) -> dict[str, Any]:
        """Return the JSON object at a path.

        Args:
            path: such as /health.
            also: statuses that are an answer too, besides those of success.

        Raises:
            RemoteError: there is no answer, or none of an ademan server.
        """
        return self._answer("GET", path, also=also)

    def post(
        self, path: str, content: Any, kind: str, query: Mapping[str, str] | None = None, *, patience: float = 0.0
    ) -> dict[str, Any]:
        """Send something and return the JSON object that comes back.

        Args:
            path: such as /predict.
            content: bytes, or an open file.
            kind: its media type.
            query: what follows the path's ?.
            patience: seconds to wait, if more than by default.

        Raises:
            RemoteError: there is no answer, or the server refuses.
        """
        headers = {"Content-Type": kind}
        return self._answer("POST", path, query=query, content=content, headers=headers, patience=patience)

    def post_json(self, path: str, content: Mapping[str, Any], query: Mapping[str, str]) -> dict[str, Any]:
        """Send an object as JSON, as `post`."""
        return self.post(path, json.dumps(content).encode(), "application/json", query)

    def post_points(self, path: str, points: Points, query: Mapping[str, str]) -> dict[str, Any]:
        """Send points as packed float32, as `post`."""
        return self.post(path, points.astype("<f4").tobytes(), "application/octet-stream", query)

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _answer(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        content: Any = None,
        headers: Mapping[str, str] | None = None,
        also: tuple[int, ...] = (),
        patience: float = 0.0,
    ) -> dict[str, Any]:
        trusted = False if self.address.verify is False else self.address.trusted
        timeout = max(self.timeout, patience)
        try:
            with self._session.request(
                method,
                self.address.url + path,
                params=query,
                data=content,
                headers=headers,
                timeout=timeout,
                verify=trusted,
                allow_redirects=False,  # the key would go along, to whoever is named
                stream=True,
            ) as response:
                body = self._body(response, timeout)
        except requests.RequestException as error:
            raise unreachable(error, self.address) from error
        if 300 <= response.status_code < 400:
            where = response.headers.get("Location", "somewhere else")
            raise stranger(self.address, f"it sends to {where}; name that instead, if you trust it")
        if not (response.ok or response.status_code in also):
            raise refused(response.status_code, body, self.address)
        return self._object(body)

    def _body(self, response: requests.Response, timeout: float) -> bytes:
        """Return all of an answer that is not endless, neither in size nor in time."""
        until, body = time.monotonic() + timeout, b""
        for piece in response.iter_content(65536):
            body += piece
            if len(body) > _LARGEST:
                raise stranger(self.address, f"its answer is longer than {_LARGEST >> 20} MB")
            if time.monotonic() > until:
                raise requests.Timeout("the answer does not end")
        return body

    def _object(self, body: bytes) -> dict[str, Any]:
        try:
            content = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise stranger(self.address, "it answered something that is no JSON") from error
        if not isinstance(content, dict):
            raise stranger(self.address, "it answered no JSON object")
        return content


def ask_for_bundle(rest: Rest, name: str) -> tuple[str, str, Manifest]:
    """Return name, version and manifest of a bundle that is served; of the first one without a name.

    Raises:
        RemoteError: there is no answer, or none of an ademan server.
    """
    if not name:
        name = str(rest.get("/bundles").get("default") or "")
        if not name:
            raise stranger(rest.address, "it names no bundle")
    said = rest.get(f"/bundles/{quote(name, safe='')}")
    return name, name_and_version(said)[1], manifest_of(said)
