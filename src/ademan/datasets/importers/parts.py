"""Names such as `train1` and `test1`, joined to official splits."""

import re
from collections.abc import Mapping, Sequence

from ademan.errors import SourceError

_PART = re.compile(r"(?:(?P<before>.+)_)?(?P<part>train|val|test)(?P<after>\d*|_.+)")
_PARTS_IN_ORDER = ("train", "test", "val")

Splits = dict[str, dict[str, Sequence[str]]]


def split_name(name: str) -> tuple[str, str] | None:
    """Return the split and the part that a name stands for; None if it names no part.

    `train1` is the part train of split "1", `xsub_val` the part val of "xsub", `train` alone of "official".
    """
    match = _PART.fullmatch(name)
    if not match:
        return None
    words = [word for word in (match["before"], match["after"].strip("_")) if word]
    # The name becomes a path inside the dataset file, where slashes and dots have a meaning.
    return re.sub(r"[^\w-]+", "-", "_".join(words)) or "official", match["part"]


def join_parts(lists: Mapping[str, Sequence[str]], where: str) -> tuple[Splits, tuple[str, ...]]:
    """Return the official splits that lists of ids make, and notes on what was made of them.

    A split of train and val only is tested on val: some publishers have no third part.

    Raises:
        SourceError: a clip is in two parts of one split.
    """
    splits: Splits = {}
    notes = []
    for name, ids in lists.items():
        place = split_name(name)
        if place:
            splits.setdefault(place[0], {})[place[1]] = ids
        else:
            notes.append(f"the list '{name}' names no part (train, val, test) and was passed over")
    for name, parts in list(splits.items()):
        if "test" not in parts and {"train", "val"} <= set(parts):
            parts["test"] = parts.pop("val")
            notes.append(f"split '{name}' has train and val only: its val is the test")
        if not {"train", "test"} <= set(parts):
            del splits[name]
            notes.append(f"split '{name}' has no {'test' if 'train' in parts else 'train'} and was passed over")
            continue
        splits[name] = {part: parts[part] for part in _PARTS_IN_ORDER if part in parts}
        _check_apart(name, parts, where)
    return splits, tuple(notes)


def _check_apart(name: str, parts: Mapping[str, Sequence[str]], where: str) -> None:
    seen: dict[str, str] = {}
    for part, ids in parts.items():
        for clip_id in dict.fromkeys(ids):
            if clip_id in seen:
                raise SourceError(
                    f"{where}: clip '{clip_id}' is in both {seen[clip_id]} and {part} of split '{name}'. "
                    "A test on clips that were trained on says nothing; mend the lists of the file."
                )
            seen[clip_id] = part
