"""Left and right: mirror images, exchanged hands, and the labels that a mirror changes."""

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from ademan.augmentation.seen import is_seen, middle
from ademan.skeleton import Skeleton

_PIECE = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")
_OTHER_WAY = {"left": "right", "clockwise": "counterclockwise", "leftward": "rightward", "leftwards": "rightwards"}
_OTHER_WAY |= {there: here for here, there in _OTHER_WAY.items()}


def mirror(points: Tensor, which: Tensor, skeleton: Skeleton) -> Tensor:
    """Return points (N, T, P, C) with some clips (N,) as a mirror shows them: x turned round, left and right exchanged.

    x is turned round at the mean of the points that are seen, so that the clip stays in its place.
    """
    turned = points[which]
    line = middle(turned, is_seen(turned))[:, 0]
    turned = turned.index_select(2, _order(points, skeleton))
    turned[..., 0] = 2 * line[:, None, None] - turned[..., 0]
    result = points.clone()
    result[which] = turned
    return result


def exchange(points: Tensor, when: Tensor, skeleton: Skeleton) -> Tensor:
    """Return points (N, T, P, C) with left and right taken for each other in some frames (N, T); nothing moves."""
    result = points.clone()
    result[when] = points[when].index_select(1, _order(points, skeleton))
    return result


def _order(points: Tensor, skeleton: Skeleton) -> Tensor:
    return torch.tensor(skeleton.mirror, device=points.device)


def mirrored_labels(labels: Sequence[str]) -> tuple[int, ...]:
    """Return for each label the index of the label of its mirror image, or -1.

    A label that has left, right, clockwise or counterclockwise (anticlockwise) in it as a word of its own, such as
    swipe_left, SwipeLeft or turn-counter-clockwise, becomes the one with the opposite words, and -1 if there is no such
    label: its clips must not be mirrored. Any other label is its own mirror image.
    """
    words = [_words(label) for label in labels]
    mirrored = [tuple(_OTHER_WAY.get(word, word) for word in label) for label in words]
    return tuple(
        i if there == here else words.index(there) if there in words else -1
        for i, (here, there) in enumerate(zip(words, mirrored, strict=True))
    )


def _words(label: str) -> tuple[str, ...]:
    """Return the words of a label in small letters; counter and clockwise become one."""
    text = " ".join(_PIECE.findall(label)).lower()
    return tuple(re.sub(r"\b(?:counter|anti) ?clockwise\b", "counterclockwise", text).split())
