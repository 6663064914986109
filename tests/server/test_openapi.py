"""The description of the interface holds: what it allows and forbids is tried, route by route."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.specs.openapi.checks import positive_data_acceptance

from ademan.server.config import ServeConfig
from ademan.server.errors import STATUS
from tests.server.conftest import started

ROUTES = {
    "GET /health",
    "GET /bundles",
    "GET /bundles/{name}",
    "GET /metrics",
    "POST /predict",
    "POST /predict/video",
    "GET /api/status",
    "GET /api/gestures",
    "POST /api/inference/start",
    "POST /api/inference/stop",
    "POST /api/config",
    "GET /api/stream",
}
ENDLESS = {"GET /api/stream"}


@pytest.fixture(scope="module")
def url(small_bundle: Path) -> Iterator[str]:
    running = started({"small": str(small_bundle)}, ServeConfig(port=0, refresh=0))
    yield running.url
    running.stop()


@pytest.fixture(scope="module")
def api(url: str) -> Any:
    return schemathesis.openapi.from_url(f"{url}/openapi.json")


def check_route(api: Any, route: str, mode: GenerationMode) -> None:
    method, path = route.split()

    @given(api[path][method].as_strategy(generation_mode=mode))
    @settings(max_examples=25, suppress_health_check=list(HealthCheck))
    def check(case: Any) -> None:
        case.call_and_validate(excluded_checks=[positive_data_acceptance], timeout=10)

    check()


@pytest.mark.parametrize("route", sorted(ROUTES - ENDLESS))
def test_all_that_is_allowed_is_answered_as_it_is_described(route: str, api: Any) -> None:
    """No fault of the server, and no status, type or shape that is not described.

    What is allowed need not be good: a bundle takes points of its own skeleton only, and a video must be one.
    """
    check_route(api, route, GenerationMode.POSITIVE)


@pytest.mark.parametrize("route", ["POST /predict", "POST /predict/video", "POST /api/config"])
def test_all_that_is_forbidden_is_refused_as_it_is_described(route: str, api: Any) -> None:
    check_route(api, route, GenerationMode.NEGATIVE)


@pytest.mark.parametrize("route", sorted(ROUTES))
def test_no_other_method_is_taken(route: str, url: str) -> None:
    right, path = route.split()
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"} - {right}:
        answer = requests.request(method, f"{url}{path}", timeout=10)
        assert (answer.status_code, answer.headers["Allow"]) == (405, right)
        assert answer.json()["error"]["code"] == "wrong_method"


def test_the_checks_that_matter_are_among_them() -> None:
    names = {check.__name__ for check in CHECKS.get_all()}
    assert names >= {
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
        "unsupported_method",
    }


@pytest.fixture(scope="module")
def description(url: str) -> Any:
    return requests.get(f"{url}/openapi.json", timeout=10).json()


def test_all_routes_are_described(description: Any) -> None:
    found = {f"{method.upper()} {path}" for path, routes in description["paths"].items() for method in routes}
    assert found == ROUTES


def test_all_routes_say_what_they_answer_and_how_they_fail(description: Any) -> None:
    for path, routes in description["paths"].items():
        for route in routes.values():
            assert route["summary"]
            assert "_" not in route["operationId"]
            (kind, answer), *more = route["responses"]["200"]["content"].items()
            assert not more
            assert answer["schema"]
            assert kind in ("application/json", "text/plain", "text/event-stream")
            assert {"400", "401", "403", "408", "413", "500", "503"} <= set(route["responses"])
            for status, failure in route["responses"].items():
                if status != "200" and path != "/health":
                    schema = failure["content"]["application/json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/Failure"}


def test_only_statuses_that_there_are_are_described(description: Any) -> None:
    found = {int(s) for routes in description["paths"].values() for r in routes.values() for s in r["responses"]}
    assert found - {200} == set(STATUS.values()) - {405}  # which is for what is not described


def test_nothing_of_fastapi_s_own_errors_is_left(description: Any) -> None:
    assert not [name for name in description["components"]["schemas"] if "ValidationError" in name]


def test_the_examples_are_good(url: str, description: Any) -> None:
    examples = description["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    for example in examples.values():
        assert requests.post(f"{url}/predict", json=example["value"], timeout=10).ok
    schema = description["paths"]["/api/config"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    for example in schema["examples"]:
        assert requests.post(f"{url}/api/config", json=example, timeout=10).ok
