"""Landmarks: the points of hands and bodies in frames. The home of MediaPipe and LiteRT.

landmarker.py    what a landmarker is, and what it is asked for
litert/          the networks run by LiteRT, with regions and tracking of our own: the default
mediapipe.py     the same networks run by MediaPipe: a second opinion
model_files.py   the networks' files: fetched once, proven, kept
"""

from ademan.landmarks.landmarker import LandmarkConfig, Landmarker

__all__ = ["LandmarkConfig", "Landmarker", "open_landmarker"]


def open_landmarker(config: LandmarkConfig | None = None, threads: int = 1) -> Landmarker:
    """Return a landmarker; the networks are fetched when they are used for the first time.

    Args:
        config: what is looked for, and by which backend.
        threads: that LiteRT may use; MediaPipe decides for itself.

    Raises:
        LandmarkError: the networks cannot be had, or not be run.
        MissingExtraError: the backend is not installed.
    """
    config = config or LandmarkConfig()
    if config.landmarker == "mediapipe":
        from ademan.landmarks.mediapipe import MediapipeLandmarker  # noqa: PLC0415 - one backend is enough

        return MediapipeLandmarker(config)
    from ademan.landmarks.litert import LitertLandmarker  # noqa: PLC0415

    return LitertLandmarker(config, threads)
