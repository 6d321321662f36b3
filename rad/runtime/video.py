"""Videos of episodes."""

from fractions import Fraction
from pathlib import Path

import numpy as np

from rad.runtime.files import replacing

CONSTANT_RATE_FACTOR = "18"  # quality of libx264, 0 (lossless) to 51; 18 looks nearly lossless


def write_mp4(path: str | Path, frames: np.ndarray, fps: float) -> None:
    """Write frames as H.264 in an mp4 file that browsers play (yuv420p, index first).

    That format needs even sizes: an odd height or width gets its last row or column once more. The file
    appears only when it is complete; its folder is made if absent.

    Args:
        path: file to write.
        frames: uint8 [T, H, W, 3], RGB, T >= 1.
        fps: frames per second of playback, > 0.

    Raises:
        ValueError: `frames` of another dtype or shape, or an `fps` that is not positive.
    """
    frames = np.asarray(frames)
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3 or 0 in frames.shape:
        raise ValueError(f"frames must be uint8 [T, H, W, 3], got {frames.dtype} {list(frames.shape)}")
    if not 0 < fps < float("inf"):
        raise ValueError(f"fps must be above 0, got {fps}")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        _encode(file, frames, Fraction(fps).limit_denominator(1000))


def _encode(file: object, frames: np.ndarray, rate: Fraction) -> None:
    import av

    height, width = (size + size % 2 for size in frames.shape[1:3])
    with av.open(file, mode="w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": CONSTANT_RATE_FACTOR})
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        for image in frames:
            even = np.pad(image, ((0, height - image.shape[0]), (0, width - image.shape[1]), (0, 0)), "edge")
            container.mux(stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
        container.mux(stream.encode())
