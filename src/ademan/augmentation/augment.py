"""Augmentation of batches: all transforms, their parameters drawn anew for each batch."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

import torch
from torch import Tensor

from ademan.augmentation import space
from ademan.augmentation.chance import MEAN_GAP, Chance
from ademan.augmentation.config import Augmentation
from ademan.augmentation.groups import is_hands, lost_together, sized_together
from ademan.augmentation.mixing import mix
from ademan.augmentation.seen import is_seen, lengths, middle
from ademan.augmentation.sides import exchange, mirror, mirrored_labels
from ademan.augmentation.sight import displace, drifting, hide, of_groups, runs, sizes, tremble
from ademan.augmentation.time import played, resample_in_time, warped
from ademan.skeleton import Skeleton

_BENDS = 3  # a clip is slower here and faster there, at most about three times
_DRIFT_FRAMES = 8  # errors that stay change about three times a second, see synthetic/detector.py
_DRIFT = 2.0  # times the error from frame to frame, see there
_MIRROR_HANDS = 0.5
_DEPTH = 1.5  # depth is a guess from one picture, and half as good again, see there


class Augmenter:
    """Makes clips that could have been recorded as well.

    Args:
        augmentation: how strong each transform is.
        skeleton: of the points.
        labels: names of the K classes; what they say of left and right decides what may be mirrored.
        stretch: what is left of a clip that is cropped takes as many frames as the clip did, and the speed stays: for
            windows that go over whole clips, and so know no speed (`spread`).
    """

    def __init__(
        self, augmentation: Augmentation, skeleton: Skeleton, labels: Sequence[str], *, stretch: bool = False
    ) -> None:
        self.augmentation = replace(augmentation, mirror=_mirror(augmentation, skeleton))
        if stretch:
            self.augmentation = replace(self.augmentation, speed=0.0)
        self.skeleton, self.classes, self.stretch = skeleton, len(labels), stretch
        self.mirrored = torch.tensor(mirrored_labels(labels))
        self.lost_together, self.sized_together = lost_together(skeleton), sized_together(skeleton)

    def __call__(self, points: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return other points and their labels; the arguments stay as they are.

        A clip of which something was seen never loses all of it.

        Args:
            points: (N, T, P, C), NaN where not seen.
            labels: (N,) int64, indices of the labels.
            generator: the source of chance; the same state gives the same result.
        """
        chance = Chance(generator, points)
        points, labels = self._sides(points, labels, chance)
        changed = self._time(points, chance)
        seen = is_seen(changed)
        changed = self._space(changed, seen, chance)
        changed = self._errors(changed, seen, chance)
        lost = self._lost(changed.shape, chance)
        if lost is not None:
            changed, seen = hide(changed, lost), seen & ~lost
        gone = ~seen.flatten(1).any(dim=1)
        if gone.any():
            changed = torch.where(gone[:, None, None, None], points, changed)
        return changed, labels

    def mix(self, points: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return clips of the batch mixed with each other, and targets (N, K) that say how much of which is in them.

        Args:
            points: (N, T, P, C), NaN where not seen.
            labels: (N,) int64, indices of the labels.
            generator: the source of chance; the same state gives the same result.
        """
        return mix(points, labels, self.classes, self.augmentation.mix, generator)

    def _sides(self, points: Tensor, labels: Tensor, chance: Chance) -> tuple[Tensor, Tensor]:
        if self.augmentation.mirror:
            image = self.mirrored.to(labels.device)[labels]
            which = (chance.share() < self.augmentation.mirror) & (image >= 0)
            points, labels = mirror(points, which, self.skeleton), torch.where(which, image, labels)
        if self.augmentation.exchange:
            frames = _gaps(self.augmentation.exchange, chance, points.shape[1])
            points = exchange(points, frames, self.skeleton)
        return points, labels

    def _time(self, points: Tensor, chance: Chance) -> Tensor:
        strength = self.augmentation
        if not (strength.speed or strength.warp or strength.crop):
            return points
        length = lengths(is_seen(points))
        share, place = 1 - strength.crop * chance.share(), chance.share()
        speed = share if self.stretch else chance.factor(strength.speed)
        positions = played(length, points.shape[1], speed, share, place)
        if strength.warp:
            bends = chance.either_way(strength.warp / _BENDS, _BENDS)
            positions = warped(positions, length, bends)
        return resample_in_time(points, positions)

    def _space(self, points: Tensor, seen: Tensor, chance: Chance) -> Tensor:
        strength, C = self.augmentation, points.shape[3]
        matrices = []
        if strength.turn_deg and C == 3:
            yaw, pitch = chance.either_way(math.radians(strength.turn_deg), 2).T
            matrices.append(space.turn(yaw, pitch))
        if strength.rotate_deg:
            matrices.append(space.rotation(chance.either_way(math.radians(strength.rotate_deg)), C))
        if strength.scale:
            matrices.append(space.scaling(chance.factor(strength.scale), C))
        if strength.aspect:
            matrices.append(space.stretching(chance.factor(strength.aspect), C))
        if strength.shear:
            matrices.append(space.shearing(chance.either_way(strength.shear), C))
        if not (matrices or strength.shift):
            return points
        whole = space.identity(points.new_empty(len(points)), C)
        for matrix in matrices:
            whole = matrix @ whole
        shift = points.new_zeros(len(points), C)
        shift[:, :2] = chance.either_way(strength.shift, 2)
        return space.transform(points, whole, middle(points, seen), shift)

    def _errors(self, points: Tensor, seen: Tensor, chance: Chance) -> Tensor:
        strength = self.augmentation
        if not (strength.jitter or strength.jumps):
            return points
        T, P, C = points.shape[1:]
        size = of_groups(sizes(points, seen, self.sized_together), self.sized_together, P)
        if strength.jitter:
            knots = _DRIFT * chance.normal(2 + T // _DRIFT_FRAMES, P, C)
            noise = drifting(chance.normal(T, P, C), knots)
            scale = (strength.jitter * chance.share(1) * size)[..., None].repeat(1, 1, C)
            scale[..., 2:] *= _DEPTH
            points = tremble(points, noise, scale)
        if strength.jumps:
            points = self._jumps(points, size, lengths(seen), chance)
        return points

    def _jumps(self, points: Tensor, size: Tensor, length: Tensor, chance: Chance) -> Tensor:
        G, C = len(self.lost_together), points.shape[3]
        frame = (chance.share(G) * length[:, None]).long()
        jumps = (chance.share(G) < self.augmentation.jumps)[..., None]
        of_group = size[:, [group[0] for group in self.lost_together]]
        offset = torch.where(jumps, chance.normal(G, C) * of_group[..., None], 0.0)
        return displace(points, frame, offset, self.lost_together)

    def _lost(self, shape: torch.Size, chance: Chance) -> Tensor | None:
        """Return (N, T, P) or (N, T, 1): what is lost, None for nothing."""
        strength, (T, P) = self.augmentation, shape[1:3]
        lost = []
        if strength.drop_frames:
            lost.append(_gaps(strength.drop_frames, chance, T, 1))
        if strength.drop_parts:
            parts = _gaps(strength.drop_parts, chance, T, len(self.lost_together))
            lost.append(of_groups(parts, self.lost_together, P))
        if strength.drop_points:
            lost.append(chance.share(T, P) < strength.drop_points * chance.share(1, 1))
        return reduce(torch.logical_or, lost) if lost else None


def _mirror(augmentation: Augmentation, skeleton: Skeleton) -> float:
    if augmentation.mirror is not None:
        return augmentation.mirror
    return _MIRROR_HANDS if is_hands(skeleton) else 0.0


def _gaps(most: float, chance: Chance, *shape: int) -> Tensor:
    """Return (N, T, ...): runs of frames; their share is drawn for each clip, from none to the most."""
    wanted = most * chance.share(*[1] * len(shape))
    begins = -torch.log1p(-wanted) / MEAN_GAP  # runs lie over each other
    return runs(chance.share(*shape) < begins, chance.gaps(*shape))
