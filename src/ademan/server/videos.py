"""Clips that are sent: their points are found in a process of its own, which may die or be ended without harm."""

import asyncio
import logging
import signal
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ademan.bundle import Manifest
from ademan.clip import Clip
from ademan.errors import ClipError, VideoError
from ademan.extraction import Extractor, check_extractor, clip_as_made, open_extractor
from ademan.extraction.recordings import Recording
from ademan.recognition.taken import as_taken
from ademan.server.errors import ApiError
from ademan.skeleton import Skeleton

log = logging.getLogger("ademan.server")
MOST_VIDEOS = 8
"""That are received, wait or are read."""
_START_S = 30.0  # more, for the first video: the process starts, and its libraries are loaded
_BEGINNINGS = (b"\x1aE\xdf\xa3", b"RIFF", b"GIF8", b"FLV", b"OggS", b"0&\xb2u", b"\0\0\x01")
_MP4_PARTS = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"}


@dataclass(frozen=True)
class _Job:
    """A video and how its points are to be found."""

    path: Path
    made: Mapping[str, Any]
    skeleton: Skeleton


@dataclass(frozen=True)
class _Refusal:
    """Why a video has no points.

    Args:
        message: for who sent it; empty for a fault of ours.
        fault: for the log.
    """

    message: str = ""
    fault: str = ""


class Videos:
    """Finds the points of videos, one after the other.

    Args:
        timeout_s: a video that takes longer is given up.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._turn = asyncio.Lock()
        self._places = MOST_VIDEOS
        self._reader: _Reader | None = None
        self._closed = False

    @contextmanager
    def place(self) -> Iterator[None]:
        """Keep a place for a video, from its first byte on: those that come share a disk.

        Raises:
            ApiError: all are taken.
        """
        if not self._places:
            raise ApiError("busy", f"{MOST_VIDEOS} videos are received or wait already; come again later.")
        self._places -= 1
        try:
            yield
        finally:
            self._places += 1

    async def clip(self, path: Path, manifest: Manifest) -> Clip:
        """Return the points of a video, of the kind that a bundle takes.

        Raises:
            ApiError: it cannot be read, or takes too long.
            ConfigError: no landmarker finds the points that the bundle takes.
        """
        check_extractor(manifest.points, manifest.skeleton)
        check_beginning(path)
        job = _Job(path, dict(manifest.points), manifest.skeleton)
        async with self._turn:
            found = await asyncio.to_thread(self._read, job)
        points = as_taken(found.points, found.image_wh or (1, 1), manifest)
        return Clip(points, found.timestamps_ms, manifest.skeleton, "video", coordinates=manifest.coordinates)

    def close(self) -> None:
        """End the process, for good; a video that it reads gets an error."""
        self._closed = True
        self._end()

    def _end(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.end()

    def _read(self, job: _Job) -> Clip:
        reader, patience_s = self._reader, self._timeout_s
        if reader is None or not reader.alive:
            self._end()
            reader = self._reader = _Reader()
            patience_s += _START_S
        if self._closed:  # while the process began
            self._end()
        try:
            found = reader.ask(job, patience_s)
        except TimeoutError:
            self._end()  # with the video that it is still busy with
            raise ApiError(
                "bad_video", f"the video took longer than {self._timeout_s:g} seconds; send a shorter one."
            ) from None
        except (EOFError, OSError):
            self._end()
            log.warning("video process died", extra={"code": reader.code})
            raise ApiError(
                "bad_video", "the process that read the video died: it is damaged, or far too large."
            ) from None
        if isinstance(found, Clip):
            return found
        if found.fault:
            raise RuntimeError(f"a video could not be read:\n{found.fault}")
        raise ApiError("bad_video", found.message)


class _Reader:
    """A process that finds the points of one video after the other."""

    def __init__(self) -> None:
        context = get_context("spawn")
        self._connection, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other,), name="ademan videos", daemon=True)
        self._process.start()
        other.close()

    @property
    def alive(self) -> bool:
        return self._process.is_alive()

    @property
    def code(self) -> int | None:
        """With which it ended."""
        return self._process.exitcode

    def ask(self, job: _Job, patience_s: float) -> Clip | _Refusal:
        """Have a video read.

        Raises:
            TimeoutError: it takes too long.
            EOFError, OSError: the process ended.
        """
        self._connection.send(job)
        if not self._connection.poll(patience_s):
            raise TimeoutError
        found: Clip | _Refusal = self._connection.recv()
        return found

    def end(self) -> None:
        self._process.kill()
        self._process.join()


def check_beginning(path: Path) -> None:
    """Refuse a file that begins like no video: among those that FFmpeg takes are lists of other files, too.

    Raises:
        ApiError: it does.
    """
    with path.open("rb") as file:
        head = file.read(189)
    if not head:
        raise ApiError("bad_video", "the video is empty.")
    is_stream = head[0] == 0x47 and head[-1] == 0x47 and len(head) == 189  # packets of 188 bytes, MPEG-TS
    if not (head.startswith(_BEGINNINGS) or head[4:8] in _MP4_PARTS or is_stream):
        raise ApiError("bad_video", "this is no video: expected MP4, WebM, MOV, MKV, AVI or the like.")


def _serve(connection: Connection) -> None:
    """Answer each job, until the server ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends this process
    extractors: dict[str, Extractor] = {}
    while True:
        try:
            job: _Job = connection.recv()
        except EOFError:
            return
        connection.send(_answer(job, extractors))


def _answer(job: _Job, extractors: dict[str, Extractor]) -> Clip | _Refusal:
    try:
        return _clip(job, extractors)
    except (VideoError, ClipError) as error:
        return _Refusal(str(error).replace(str(job.path), "the video"))
    except MemoryError:
        return _Refusal("the video needs more memory than there is; send a smaller one.")
    except Exception:  # whatever it is: the next video may be well
        return _Refusal(fault=traceback.format_exc())


def _clip(job: _Job, extractors: dict[str, Extractor]) -> Clip:
    key = repr((job.made, job.skeleton.name))
    if key not in extractors:
        for old in extractors.values():
            old.close()
        extractors.clear()
        extractors[key] = open_extractor(job.made, job.skeleton)
    return clip_as_made(Recording("video", job.path, ""), extractors[key], job.made)
