"""How strong each augmentation is."""

from dataclasses import dataclass, fields

from ademan.errors import ConfigError


@dataclass(frozen=True)
class Augmentation:
    """Strengths: each clip draws between nothing and these, anew each time; 0 turns one off."""

    rotate_deg: float = 12.0
    """Largest rotation in the picture either way, degrees, 0 to 180."""
    turn_deg: float = 40.0
    """Largest turn in depth, about the vertical and the horizontal, degrees, 0 to 80; for three coordinates only."""
    scale: float = 0.1
    """Largest change of size, 0 to 1: 0.1 is from 1 / 1.1 to 1.1 of it."""
    aspect: float = 0.1
    """Largest change of width to height, 0 to 1, as for scale; areas stay."""
    shear: float = 0.08
    """Largest lean of verticals, 0 to 1: x moves by this times y."""
    shift: float = 0.05
    """Largest shift in x and in y, 0 to 1, in units of the points: pictures' heights, or metres."""
    speed: float = 0.2
    """Largest change of speed, 0 to 1, as for scale."""
    warp: float = 0.2
    """Largest change of speed within a clip, 0 to 0.9: parts of it are played faster, parts slower."""
    crop: float = 0.12
    """Largest part of a clip that is cut off, both ends together, 0 to 0.9."""
    drop_frames: float = 0.05
    """Largest part of the frames in which nothing is seen, 0 to 0.9: single frames and runs."""
    drop_parts: float = 0.02
    """Largest part of the frames in which a hand, or a limb of a body, is lost, 0 to 0.9: single frames and runs."""
    drop_points: float = 0.0
    """Largest part of single points that are lost, 0 to 0.9; for landmarkers that leave out points they doubt."""
    jitter: float = 0.01
    """Largest error of points from frame to frame, of the size of their hand or body, 0 to 1; twice that, it drifts."""
    jumps: float = 0.02
    """Chance that a hand, or a limb of a body, is in a wrong place in one frame of a clip, 0 to 1."""
    mirror: float | None = None
    """Chance that a clip is mirrored, 0 to 1; labels that say left or right change with it, or forbid it. If not given,
    0.5 for hands, and 0 for bodies, whose left arm often means something else than the right one."""
    exchange: float = 0.0
    """Largest part of the frames in which left is taken for right, 0 to 0.9."""
    mix: float = 0.0
    """Mixup of two clips: shares come from Beta(mix, mix), 0 to 10."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value, largest = getattr(self, field.name), _LARGEST.get(field.name, 1.0)
            if value is not None and not 0 <= value <= largest:
                raise ConfigError(f"{field.name} must be from 0 to {largest:g}, found {value}.")


_LARGEST = {"rotate_deg": 180.0, "turn_deg": 80.0, "mix": 10.0} | dict.fromkeys(
    ("warp", "crop", "drop_frames", "drop_parts", "drop_points", "exchange"), 0.9
)

OFF = Augmentation(**{field.name: 0.0 for field in fields(Augmentation)})
"""All strengths zero: clips stay as they are."""
