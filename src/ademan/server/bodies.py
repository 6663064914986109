"""Bodies of requests: read in one of the forms that there are, and aside if that takes long."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, ParamSpec, TypeVar

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from ademan.bundle import Manifest
from ademan.clip import Clip
from ademan.server.errors import ApiError
from ademan.server.wire import parse_json, read_json, read_packed

_SMALL = 100_000  # bytes of a body that are read faster than a thread is begun
_JSON, _PACKED, _FORM = "application/json", "application/octet-stream", "multipart/form-data"
Given = ParamSpec("Given")
Found = TypeVar("Found")


async def read_object(request: Request) -> dict[str, Any]:
    """Return the JSON object of a request.

    Raises:
        ApiError: it has none.
    """
    _check_kind(request, _JSON)
    body = await request.body()
    return await aside(len(body), parse_json, body)


async def read_clips(request: Request, manifest: Manifest) -> tuple[list[Clip], bool]:
    """Return the sequences of a request, and whether the answer is to be a list.

    Raises:
        ApiError: they are not what the bundle takes.
    """
    _check_kind(request, _JSON, _PACKED)
    body = await request.body()
    if _kind(request) == _PACKED:
        return [await aside(len(body), read_packed, body, request.query_params, manifest)], False
    return await aside(len(body), _read_sequences, body, manifest)


def _read_sequences(body: bytes, manifest: Manifest) -> tuple[list[Clip], bool]:
    content = parse_json(body)  # twenty times as large as the body at worst: it must not wait for its turn like this
    return read_json(content, manifest), "sequences" in content


async def receive_video(request: Request, path: Path) -> None:
    """Write the video of a request into a file.

    Raises:
        ApiError: it has none.
    """
    kind = _kind(request)
    with path.open("wb") as out:
        if kind == _FORM:
            await _receive_form(request, out)
        elif kind.startswith("video/") or kind == _PACKED:
            async for piece in request.stream():
                out.write(piece)
        else:
            raise ApiError("wrong_type", f"expected a form with a 'file', or a body of video/mp4; found {kind[:60]!r}.")


async def aside(size: int, work: Callable[Given, Found], *given: Given.args, **more: Given.kwargs) -> Found:
    """Do some work here if it is small, and in a thread if it would hold up the others.

    Args:
        size: of what is worked on, in bytes.
        work: to be done.
        given: its arguments.
        more: those with a name.
    """
    return work(*given, **more) if size <= _SMALL else await asyncio.to_thread(work, *given, **more)


async def _receive_form(request: Request, out: BinaryIO) -> None:
    parser = MultiPartParser(request.headers, request.stream(), max_files=1, max_fields=4)
    try:
        file = (await parser.parse()).get("file")
        if not isinstance(file, UploadFile):
            raise ApiError("bad_request", "expected a file in the field 'file'.")
        await asyncio.to_thread(shutil.copyfileobj, file.file, out)
    except MultiPartException as error:
        raise ApiError("bad_request", f"the form cannot be read: {error.message}") from None
    except UnicodeError:  # it names an encoding for its texts that is for something else
        raise ApiError("bad_request", "the form cannot be read: its charset is none for texts.") from None
    finally:
        for begun in parser._files_to_close_on_error:  # also that of a part without an end
            begun.close()


def _check_kind(request: Request, *wanted: str) -> None:
    if _kind(request) not in wanted:
        raise ApiError(
            "wrong_type",
            f"expected Content-Type {' or '.join(wanted)}, found {_kind(request)[:60]!r}. "
            "With curl:  -H 'Content-Type: application/json'",
        )


def _kind(request: Request) -> str:
    return str(request.headers.get("content-type", "")).partition(";")[0].strip().lower()
