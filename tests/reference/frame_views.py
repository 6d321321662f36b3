"""Crops of stacked frames in [0, 1], pixel by pixel: what the fast gather, crop and conversion is compared with."""

import numpy as np


def cropped_stacks(frames: np.ndarray, index: np.ndarray, top: np.ndarray, left: np.ndarray, size: int) -> np.ndarray:
    """Return float32 [B, 3 K, size, size]: of stack i the window at (top[i], left[i]), over 255.

    Frames are uint8 [S, 3, H, W]; stack i has those of index[i], one of int64 [B, K], the oldest first.
    """
    out = np.zeros((len(index), 3 * index.shape[1], size, size), np.float32)
    for i, numbers in enumerate(index):
        for k, number in enumerate(numbers):
            for c in range(3):
                for y in range(size):
                    for x in range(size):
                        byte = frames[number, c, top[i] + y, left[i] + x]
                        out[i, 3 * k + c, y, x] = np.float32(byte) / np.float32(255)
    return out
