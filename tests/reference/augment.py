"""Slow, obvious NumPy versions of the augmentations: one image, one frame, one pixel at a time.

Sources: RAD (Laskin et al. 2020) section 3, DrQ (Kostrikov et al. 2020) section 3.1, SVEA (Hansen et al. 2021).
All take ``images`` [B, 3 * K, H, W] and ``params`` as drawn, in NumPy.
"""

import colorsys

import numpy as np

LUMA = np.array([0.299, 0.587, 0.114])


def frames(image):
    """Yield views of the frames of one stack, each [3, H, W]."""
    return [image[i : i + 3] for i in range(0, len(image), 3)]


def crop(images, params, size):
    corners = zip(params["top"], params["left"])
    return np.stack([image[:, y : y + size, x : x + size] for image, (y, x) in zip(images, corners)])


def translate(images, params, size):
    out = np.zeros((*images.shape[:2], size, size), images.dtype)
    for target, image, y, x in zip(out, images, params["top"], params["left"]):
        target[:, y : y + image.shape[1], x : x + image.shape[2]] = image
    return out


def shift(images, params, pad):
    out = []
    for image, down, right in zip(images, params["down"], params["right"]):
        padded = np.pad(image, ((0, 0), (pad, pad), (pad, pad)), mode="edge")
        y, x = pad - down, pad - right
        out.append(padded[:, y : y + image.shape[1], x : x + image.shape[2]])
    return np.stack(out)


def pad_crop(images, params, pad):
    """Repeat the border ``pad`` pixels out, then cut the old size at (top, left) of what came: auto-drac's crop."""
    return crop(np.pad(images, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="edge"), params, images.shape[2])


def resize(image, height, width):
    """Resize [C, H, W]: the middle of a pixel stays the middle; past the middle of the last one, its value."""
    out = np.empty((len(image), height, width))
    for y in range(height):
        for x in range(width):
            row = np.clip((y + 0.5) * image.shape[1] / height - 0.5, 0, image.shape[1] - 1)
            column = np.clip((x + 0.5) * image.shape[2] / width - 0.5, 0, image.shape[2] - 1)
            top, left = int(row), int(column)
            bottom, right = min(top + 1, image.shape[1] - 1), min(left + 1, image.shape[2] - 1)
            down, across = row - top, column - left
            upper = (1 - across) * image[:, top, left] + across * image[:, top, right]
            lower = (1 - across) * image[:, bottom, left] + across * image[:, bottom, right]
            out[:, y, x] = (1 - down) * upper + down * lower
    return out


def resize_crop(images, params, side):
    large = np.stack([resize(image, side, side) for image in images])
    return crop(large, params, images.shape[2])


def flip(images, params):
    return np.stack([image[:, :, ::-1] if f else image for image, f in zip(images, params["flip"])])


def rotate(images, params):
    square = images.shape[2] == images.shape[3]
    out = []
    for image, quarters in zip(images, params["quarters"]):
        turns = quarters if square or quarters == 0 else 2
        out.append(np.rot90(image, turns, axes=(1, 2)))
    return np.stack(out)


def grayscale(images, params):
    out = images.copy()
    for image, gray in zip(out, params["gray"]):
        for frame in frames(image) if gray else []:
            frame[:] = np.tensordot(LUMA, frame, 1)
    return out


def color_jitter(images, params):
    out = images.copy()
    for i, image in enumerate(out):
        for frame in frames(image) if params["jitter"][i] else []:
            frame[:] = np.clip(frame * params["brightness"][i], 0, 1)
            mean = np.tensordot(LUMA, frame, 1).mean()
            frame[:] = np.clip(mean + params["contrast"][i] * (frame - mean), 0, 1)
            gray = np.tensordot(LUMA, frame, 1)
            frame[:] = np.clip(gray + params["saturation"][i] * (frame - gray), 0, 1)
            turn_hue(frame, params["hue"][i])
    return out


def turn_hue(frame, turn):
    for y in range(frame.shape[1]):
        for x in range(frame.shape[2]):
            hue, saturation, value = colorsys.rgb_to_hsv(*frame[:, y, x])
            frame[:, y, x] = colorsys.hsv_to_rgb((hue + turn) % 1, saturation, value)


def random_conv(images, params):
    out = np.empty_like(images)
    for image, target, weight in zip(images, out, params["weight"]):
        for frame, result in zip(frames(image), frames(target)):
            padded = np.pad(frame, ((0, 0), (1, 1), (1, 1)), mode="edge")
            for y in range(frame.shape[1]):
                for x in range(frame.shape[2]):
                    total = (weight * padded[:, y : y + 3, x : x + 3]).sum((1, 2, 3))
                    result[:, y, x] = 1 / (1 + np.exp(-total))
    return out


def cutout(images, params):
    black = np.zeros((len(images), 3), images.dtype)
    return _paint(images, params, black)


def cutout_color(images, params):
    color = params["color"]
    if images.dtype == np.uint8:
        color = np.round(color * 255).astype(np.uint8)
    return _paint(images, params, color)


def _paint(images, params, colors):
    out = images.copy()
    for i, image in enumerate(out):
        y, x, h, w = (params[name][i] for name in ("top", "left", "height", "width"))
        for frame in frames(image):
            frame[:, y : y + h, x : x + w] = colors[i][:, None, None]
    return out


def overlay(images, params, distractors, alpha):
    out = images.copy()
    for i, image in enumerate(out):
        other = distractors[params["index"][i]] / 255
        other = other[:, :, ::-1] if params["flip"][i] else other
        for frame in frames(image):
            frame[:] = (1 - alpha) * frame + alpha * other
    return out
