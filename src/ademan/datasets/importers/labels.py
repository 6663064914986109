"""Names of classes: files that list them, and the choice of some of them."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ademan.datasets.file import nearest
from ademan.errors import SourceError

_NUMBERED = re.compile(r"(\d+)\s+(\S.*)")


def read_labels(path: Path) -> dict[int, str]:
    """Return the names of classes by number.

    A text file has one name a line; lines numbered through from 0 or 1, as `1 ApplyEyeMakeup` in UCF101's list, lose
    their numbers: pickles count classes from 0. A JSON file has a list of names, or says the number of each name, or
    the name of each number. A byte order mark is passed over.

    Raises:
        SourceError: the file cannot be read, is of another kind, or has a name or number twice.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"label file {path} cannot be read: {error}") from error
    pairs = _from_json(path, text) if path.suffix.lower() == ".json" else _from_lines(text)
    for kind, values in (("name", Counter(name for _, name in pairs)), ("number", Counter(str(k) for k, _ in pairs))):
        value, count = max(values.items(), key=lambda item: item[1], default=("", 0))
        if count > 1:
            raise SourceError(f"label file {path} has the {kind} '{value}' {count} times; each class needs its own.")
    unprintable = [name for _, name in pairs if not name.strip() or not name.isprintable()]
    if unprintable:
        raise SourceError(f"label file {path} has the name {unprintable[0]!a}, which cannot be printed.")
    if not pairs:
        raise SourceError(f"label file {path} is empty; expected one name a line.")
    return dict(sorted(pairs))


def _from_lines(text: str) -> list[tuple[int, str]]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    numbered = [_NUMBERED.fullmatch(line) for line in lines]
    numbers = [int(match[1]) for match in numbered if match]
    if any(numbers == list(range(first, first + len(lines))) for first in (0, 1)):
        lines = [match[2] for match in numbered if match]
    return list(enumerate(lines))


def _from_json(path: Path, text: str) -> list[tuple[int, str]]:
    try:
        content: Any = json.loads(text)
        if isinstance(content, list) and all(isinstance(name, str) for name in content):
            return list(enumerate(content))
        if isinstance(content, dict) and all(type(number) is int for number in content.values()):
            return [(number, name) for name, number in content.items()]
        if isinstance(content, dict) and all(isinstance(name, str) for name in content.values()):
            return [(int(number), name) for number, name in content.items()]
    except ValueError as error:
        raise SourceError(f"label file {path} cannot be read: {error}.") from error
    raise SourceError(f'label file {path}: expected ["name", ...], {{"name": number}} or {{"number": "name"}}.')


def named(found: Iterable[int], names: Mapping[int, str] | None, label_file: Path | None, where: str) -> dict[int, str]:
    """Return the name of each class number that was found; its number as text where no names are known.

    Args:
        found: class numbers, in any order.
        names: what a label file, or anything else, says.
        label_file: which file that was, if it was one; for the message.
        where: what is imported; for the message.

    Raises:
        SourceError: a number has no name.
    """
    numbers = sorted(set(found))
    if names is None:
        return {number: str(number) for number in numbers}
    unnamed = [number for number in numbers if number not in names]
    if unnamed:
        raise SourceError(
            f"{where} has clips of class {unnamed[0]}; label file {label_file} has {len(names)} names, "
            f"for {min(names)} to {max(names)}. Give the list that belongs to this file."
        )
    return {number: names[number] for number in numbers}


def chosen(names: Mapping[int, str], classes: Sequence[str], where: str) -> dict[int, str]:
    """Return the classes asked for, by name or number, in the order asked for; all of them if none is.

    Raises:
        SourceError: there is no such class; the message names the nearest.
    """
    by_name = {str(number): number for number in names} | {name: number for number, name in names.items()}
    for wanted in classes:
        if wanted not in by_name:
            hint = nearest(wanted, list(by_name)) or f" It has: {', '.join(names.values())}."
            raise SourceError(f"{where} has no clip of class '{wanted}'.{hint}")
    numbers = [by_name[wanted] for wanted in classes] or list(names)
    return {number: names[number] for number in numbers}
