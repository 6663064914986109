"""Bundles that are replaced while they are served: nobody notices but by the version."""

import asyncio
import gc
import shutil
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from ademan.bundle import read_bundle
from ademan.errors import AdemanError, BundleError, ConfigError
from ademan.recognition import Classifier
from ademan.server import shelf as shelf_module
from ademan.server.errors import ApiError
from ademan.server.metrics import Metrics
from ademan.server.shelf import Shelf, named, version_of
from tests.server.conftest import Running, Serve, wait_for
from tests.server.fakes import Live, as_bytes, figure, make_bundle, memory_mb

OTHER = ("x", "y", "z", "w")


def health(running: Running) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(f"{running.url}/health", timeout=10).json()
    return found


def version(path: Path) -> str:
    return version_of(read_bundle(path))


def damage(path: Path) -> None:
    """Change a byte of the weights."""
    model = path / "model.onnx"
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)


class Callers:
    """Threads that ask all the time; what they are answered must fit together."""

    def __init__(self, url: str, points: list[Any], count: int = 8) -> None:
        self.answers: list[tuple[str, tuple[str, ...], tuple[float, ...]]] = []
        self.failures: list[str] = []
        self._url, self._body, self._over = url, {"sequence": points}, threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        with requests.Session() as session:
            while not self._over.is_set():
                answer = session.post(f"{self._url}/predict", json=self._body, timeout=10)
                if answer.status_code == 200:
                    said = answer.json()
                    shares = said["probabilities"]
                    self.answers.append((said["version"], tuple(shares), tuple(round(x, 5) for x in shares.values())))
                else:
                    self.failures.append(answer.text)


@pytest.mark.parametrize("name", ["hands", "hands.zip"])
def test_a_bundle_is_replaced_while_everybody_asks(
    serve: Serve, tmp_path: Path, rng: np.random.Generator, name: str
) -> None:
    path = make_bundle(tmp_path / name)
    running = serve({"hands": str(path)})
    callers = Callers(running.url, rng.uniform(size=(20, 42, 2)).round(3).tolist())
    versions = [version(path)]
    for seed, labels in ((2, OTHER), (3, ("a", "b", "idle")), (4, OTHER)):
        wait_for(lambda: callers.answers and callers.answers[-1][0] == versions[-1])
        make_bundle(path, labels, seed)
        versions.append(version(path))
        wait_for(lambda: health(running)["version"] == versions[-1])
    wait_for(lambda: callers.answers[-1][0] == versions[-1])
    callers.end()
    assert callers.failures == []
    # One version, one set of labels, one answer; each has answered, and no other.
    said = set(callers.answers)
    assert {found for found, _, _ in said} == set(versions)
    assert len(said) == len(set(versions)) == 4
    assert figure(running, 'ademan_reloads_total{bundle="hands",result="taken"}') == 3
    assert "problem" not in health(running)["bundles"]["hands"]


def test_streams_go_on_with_the_new_version_and_are_told(
    serve: Serve, tmp_path: Path, rng: np.random.Generator, small_bundle: Path
) -> None:
    path = make_bundle(tmp_path / "hands")
    running = serve({"hands": str(path), "small": str(small_bundle)})
    points = rng.uniform(size=(42, 2)).astype(np.float32)
    settings = {"every_ms": 50, "smoothing_ms": 0, "least_ms": 0, "accept": 0.3, "release": 0.0}
    with Live(running.url) as live, Live(running.url) as other, Live(running.url) as idle:
        live.call("start", {"bundle": "hands", **settings})
        other.call("start", {"bundle": "small", **settings})
        time_ms = 0.0

        def frame() -> None:
            nonlocal time_ms
            time_ms += 50
            for one in (live, other):
                one.call("points", as_bytes(points, time_ms))
            time.sleep(0.01)

        for _ in range(20):
            frame()
        make_bundle(path, OTHER, 5)
        while not live.of("bundle"):
            frame()
        for _ in range(20):
            frame()
        stats = live.call("finish")["stats"]
        assert stats["dropped"]["slow"] == stats["dropped"]["bad"] == 0
        wait_for(lambda: idle.of("bundle"))
    assert live.of("bundle") == idle.of("bundle")
    assert (live.of("bundle")[0]["version"], live.of("bundle")[0]["labels"]) == (version(path), list(OTHER))
    kinds = [kind for kind, _ in live.got]
    told = kinds.index("bundle")
    for kind, content in live.got[:told]:
        assert kind == "gesture" or tuple(content["probabilities"]) == ("a", "b", "idle")
    for kind, content in live.got[told + 1 :]:
        assert kind == "gesture" or tuple(content["probabilities"]) == OTHER
    began = [(content["event"], content["label"]) for kind, content in live.got if kind == "gesture"]
    assert began[::2] == [("began", label) for _, label in began[1::2]]  # each that began has ended
    assert began[0][1] in ("a", "b")
    assert began[-1][1] in OTHER
    assert other.of("bundle") == []
    assert {tuple(content["probabilities"]) for content in other.of("gesture_prediction")} == {("a", "b", "idle")}


def test_a_stream_whose_points_do_not_fit_the_new_version_is_told_so(
    serve: Serve, tmp_path: Path, rng: np.random.Generator
) -> None:
    path = make_bundle(tmp_path / "hands")
    running = serve({"hands": str(path)})
    with Live(running.url) as live:
        live.call("points", as_bytes(rng.uniform(size=(42, 2)).astype(np.float32), 0.0))
        make_bundle(path, channels=3, seed=9)
        wait_for(lambda: live.of("bundle"))
        answer = live.call("points", as_bytes(rng.uniform(size=(42, 2)).astype(np.float32), 50.0))
        assert answer["error"]["code"] == "bad_points"
        assert live.call("points", as_bytes(rng.uniform(size=(42, 3)).astype(np.float32), 100.0)) == {}


def test_a_damaged_version_is_refused_and_the_next_good_one_taken(
    serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = make_bundle(tmp_path / "hands")
    running, first = serve({"hands": str(path)}), version(path)
    new = make_bundle(tmp_path / "new", OTHER, 7)
    damage(new)
    put(new, path)
    found = wait_for(lambda: health(running)["bundles"]["hands"].get("problem"))
    assert "model.onnx is not what it was when exported" in found
    time.sleep(0.5)  # some more looks
    assert (health(running)["ready"], health(running)["version"]) == (True, first)
    assert (
        requests.post(f"{running.url}/predict", json={"sequence": [[0.5] * 84]}, timeout=10).json()["version"] == first
    )
    assert figure(running, 'ademan_reloads_total{bundle="hands",result="refused"}') == 1
    assert [record.levelname for record in caplog.records if record.message == "bundle kept"] == ["WARNING"]
    put(make_bundle(tmp_path / "good", OTHER, 8), path)
    wait_for(lambda: health(running)["version"] == version(path))
    assert "problem" not in health(running)["bundles"]["hands"]
    assert figure(running, 'ademan_reloads_total{bundle="hands",result="taken"}') == 1


def put(new: Path, path: Path) -> None:
    """Replace a bundle as a copy would, without care."""
    shutil.rmtree(path)
    shutil.copytree(new, path)


def test_the_old_version_put_back_is_no_problem_any_more(serve: Serve, tmp_path: Path) -> None:
    path, aside = make_bundle(tmp_path / "hands"), tmp_path / "aside"
    running = serve({"hands": str(path)})
    path.rename(aside)
    shutil.copytree(aside, path)
    damage(path)
    wait_for(lambda: health(running)["bundles"]["hands"].get("problem"))
    shutil.rmtree(path)
    wait_for(lambda: "is not there" in health(running)["bundles"]["hands"].get("problem", ""))
    aside.rename(path)
    wait_for(lambda: "problem" not in health(running)["bundles"]["hands"])


def test_a_bundle_that_is_missing_for_a_moment_is_served_on(serve: Serve, tmp_path: Path) -> None:
    path, aside = make_bundle(tmp_path / "hands"), tmp_path / "aside"
    running, first = serve({"hands": str(path)}), version(path)
    for _ in range(3):
        path.rename(aside)
        wait_for(lambda: "problem" in health(running)["bundles"]["hands"])
        assert (health(running)["ready"], health(running)["version"]) == (True, first)
        assert requests.post(f"{running.url}/predict", json={"sequence": [[0.5] * 84]}, timeout=10).ok
        aside.rename(path)
        wait_for(lambda: "problem" not in health(running)["bundles"]["hands"])
    assert figure(running, 'ademan_reloads_total{bundle="hands",result="refused"}') == 0


def test_whatever_goes_wrong_with_a_look_the_next_one_comes(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_bundle(tmp_path / "hands")
    running = serve({"hands": str(path)})
    for seed, error in enumerate((OSError(13, "Permission denied"), RuntimeError("a bug"), MemoryError()), 11):
        with monkeypatch.context() as broken:
            broken.setattr(shelf_module, "read_bundle", raiser(error))
            make_bundle(path, OTHER, seed)
            wait_for(lambda: health(running)["bundles"]["hands"].get("problem"))
        wait_for(lambda: health(running)["version"] == version(path))


def raiser(error: BaseException) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise error

    return fail


@pytest.mark.slow
def test_fifty_versions_leave_no_memory_behind(serve: Serve, tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "hands"
    kept = [make_bundle(tmp_path / f"{i}", OTHER if i else ("a", "b"), seed=i, units=400) for i in range(2)]
    put_whole(kept[0], path)
    running = serve({"hands": str(path)})
    points = rng.uniform(size=(42, 2)).astype(np.float32)

    alive: weakref.WeakSet[Classifier] = weakref.WeakSet()

    def reload_(count: int) -> None:
        for i in range(count):
            put_whole(kept[(i + 1) % 2], path)
            wait_for(lambda: health(running)["version"] == version(path))
            requests.post(f"{running.url}/predict", json={"sequence": [[0.5] * 84] * 5}, timeout=10)
            live.call("points", as_bytes(points, i * 50.0))
            alive.add(running.parts.shelf.get().classifier)

    with Live(running.url) as live:
        reload_(10)
        gc.collect()
        before_mb = memory_mb()
        reload_(50)
        gc.collect()
        assert memory_mb() - before_mb < 20  # one version alone takes several
    assert len(alive) == 1


def put_whole(new: Path, path: Path) -> None:
    """Replace a bundle by a rename, as `written_whole` does."""
    beside, aside = path.with_name("beside"), path.with_name("aside")
    shutil.copytree(new, beside)
    if path.exists():
        path.rename(aside)
    beside.rename(path)
    shutil.rmtree(aside, ignore_errors=True)


def test_two_bundles_are_served_by_name(serve: Serve, small_bundle: Path, tmp_path: Path) -> None:
    other = make_bundle(tmp_path / "other.zip", OTHER, 4)
    running = serve(named([str(small_bundle), f"second={other}"]))
    body = {"sequence": [[0.5] * 84]}
    first = requests.post(f"{running.url}/predict", json=body, timeout=10).json()
    second = requests.post(f"{running.url}/predict?bundle=second", json=body, timeout=10).json()
    assert (first["bundle"], second["bundle"]) == ("small", "second")
    assert (list(first["probabilities"]), tuple(second["probabilities"])) == (["a", "b", "idle"], OTHER)
    make_bundle(other, ("p", "q"), 6)
    wait_for(lambda: health(running)["bundles"]["second"]["version"] == version(other))
    assert health(running)["bundles"]["small"]["version"] == version(small_bundle) == health(running)["version"]


@pytest.mark.parametrize(
    ("sources", "names"),
    [
        (["runs/hands/bundle"], ["hands"]),
        (["runs/hands/bundle/", "./runs/feet/bundle.zip"], ["hands", "feet"]),
        (["bundle"], ["bundle"]),
        (["/srv/waves"], ["waves"]),
        (["waves.zip", "x=waves.zip"], ["waves", "x"]),
        (["s3://models/hands/bundle.zip"], ["bundle"]),
        (["hands=s3://models/hands/bundle.zip"], ["hands"]),
        (["runs/lr=0.1/bundle"], ["lr=0.1"]),
        (["fast=runs/lr=0.1/bundle"], ["fast"]),
        (["=waves"], ["=waves"]),
        (["."], ["bundle"]),
    ],
)
def test_bundles_are_called_after_their_places(sources: list[str], names: list[str]) -> None:
    found = named(sources)
    assert list(found) == names
    assert all(source.endswith(place) for source, place in zip(sources, found.values(), strict=True))


def test_names_that_clash_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"two bundles would be called 'hands'\. Name one yourself:  other=b/hands"):
        named(["a/hands", "b/hands"])
    with pytest.raises(ConfigError, match="'hands=' names no bundle: expected NAME=FOLDER, or the folder alone"):
        named(["hands="])


def test_a_shelf_refuses_what_it_cannot_give(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no bundle to serve"):
        Shelf({}, Metrics())
    shelf = Shelf({"hands": str(tmp_path / "hands")}, Metrics())
    with pytest.raises(ApiError, match="the bundle 'hands' is not there yet"):
        shelf.get()
    with pytest.raises(ApiError, match=r"there is no bundle 'feet'\. There are: hands\."):
        shelf.get("feet")
    with pytest.raises(BundleError, match="there is no bundle"):
        shelf.load()
    assert not shelf.ready
    assert shelf.to_json() == {"hands": {"ready": False}}
    shelf.close()


def test_a_file_that_may_not_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf({"hands": str(make_bundle(tmp_path / "hands"))}, Metrics())
    monkeypatch.setattr(shelf_module, "read_bundle", raiser(OSError(13, "Permission denied")))
    with pytest.raises(BundleError, match=r"hands cannot be read: Permission denied\."):
        shelf.load()
    shelf.close()


def test_a_bucket_is_looked_at_more_rarely_and_may_be_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bucket is a fake: a folder, and a version that is said."""
    path = make_bundle(tmp_path / "cached")
    looks: list[str] = []
    said: list[object] = ["one"]

    def look(source: str, _: str) -> object:
        looks.append(source)
        if isinstance(said[0], Exception):
            raise said[0]
        return said[0]

    monkeypatch.setattr(shelf_module, "remote_version", look)
    monkeypatch.setattr(shelf_module, "fetch_bundle", lambda *_, **__: path)
    shelf = Shelf({"hands": "s3://models/hands.zip"}, Metrics())
    shelf.load()
    first = shelf.get()

    async def refresh(times: int, remote: bool = True) -> None:
        for _ in range(times):
            await shelf.refresh(remote=remote)

    asyncio.run(refresh(5, remote=False))
    assert len(looks) == 1
    said[0] = AdemanError("the bucket is away")
    asyncio.run(refresh(3))
    assert shelf.get() is first
    assert shelf.to_json()["hands"]["problem"] == "the bucket is away"
    make_bundle(path, OTHER, 3)
    said[0] = "two"
    asyncio.run(refresh(1))
    assert shelf.get().manifest.labels == OTHER
    assert "problem" not in shelf.to_json()["hands"]
    shelf.close()
