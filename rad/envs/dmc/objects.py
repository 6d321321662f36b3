"""The objects that a MuJoCo model shows, and each of them drawn changed while all else stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rad.envs.checks import require_known

SKY = "sky"  # whatever is drawn behind the scene
KINDS = ("geom", "site", "tendon", "skin")  # of which objects consist
DRAWN_GROUPS, HIDDEN_GROUP = 3, 5  # cameras draw the groups 0 to 2
PAINT = (1.0, 0.0, 1.0)  # magenta, which no task of the suite has
FINER = 4  # parts of a pixel along each axis, each of which shows one object
LEAST_SHARE = 0.25  # of a pixel, with which an object shows in it
SHIFT = 0.1  # of the frame's width, at the object's distance

Edit = tuple[NDArray[Any], Any, Any]  # an array of the model or of its data, an index, and what to write there


class VisibleObject(NamedTuple):
    """Something that is seen as one thing."""

    name: str
    parts: Mapping[str, list[int]]  # indices by kind; the sky has none


def objects_of(model: Any) -> tuple[VisibleObject, ...]:
    """Return the objects of a model (mujoco.MjModel), in the order of their first parts, and last the sky.

    All geoms and sites of a body are one object, which has the body's name. Those of the world are told apart by their
    names, where numbers at the end do not count (rail1, rail2); tendons and skins likewise. Parts that cameras do not
    draw, as collision geoms, belong to none.
    """
    parts: dict[str, dict[str, list[int]]] = {}
    for kind in KINDS:
        for index in np.flatnonzero(getattr(model, f"{kind}_group") < DRAWN_GROUPS):
            parts.setdefault(_name(model, kind, int(index)), {}).setdefault(kind, []).append(int(index))
    return (*(VisibleObject(*item) for item in parts.items()), VisibleObject(SKY, {}))


def can_change(model: Any, item: VisibleObject, change: str) -> bool:
    """Tell whether a change makes sense for an object: sky, ground, tendons and skins cannot be moved.

    Raises:
        ValueError: the change is unknown.
    """
    import mujoco

    require_known("change", change, CHANGES)
    ground = (mujoco.mjtGeom.mjGEOM_PLANE, mujoco.mjtGeom.mjGEOM_HFIELD)
    is_ground = bool(np.isin(model.geom_type[item.parts.get("geom", [])], ground).any())
    return change != "moved" or (bool(item.parts) and item.parts.keys() <= {"geom", "site"} and not is_ground)


def masks_of(segments: NDArray[np.int32], items: Sequence[VisibleObject]) -> NDArray[np.bool_]:
    """Tell which pixels show which of some objects, bool [O, H, W], where each pixel shows one at most.

    `segments` are int32 [FINER * H, FINER * W, 2], index and type of what MuJoCo drew there, -1 for the sky: finer than
    the frame, whose pixels blend what is thinner than they are. A pixel shows the smallest of the objects that have a
    quarter of it; if none has, that which has most.
    """
    height, width = (side // FINER for side in segments.shape[:2])
    shares = np.stack([_seen(segments, item).reshape(height, FINER, width, FINER).mean((1, 3)) for item in items])
    labels = np.where(shares.any(0), shares.argmax(0), -1)
    for number in np.argsort(-shares.sum((1, 2)), kind="stable"):
        labels[shares[number] >= LEAST_SHARE] = number
    return labels == np.arange(len(items))[:, None, None]


def _seen(segments: NDArray[np.int32], item: VisibleObject) -> NDArray[np.bool_]:
    seen: NDArray[np.bool_] = (segments[..., 1] == -1) & (item.name == SKY)
    for kind, indices in item.parts.items():
        seen |= (segments[..., 1] == type_code(kind)) & np.isin(segments[..., 0], indices)
    return seen


def type_code(kind: str) -> int:
    """Return MuJoCo's number for a kind of object; NumPy would compare its enum with each pixel in Python."""
    import mujoco

    return int(getattr(mujoco.mjtObj, f"mjOBJ_{kind.upper()}"))


@contextmanager
def changed(physics: Any, camera: Any, item: VisibleObject, change: str) -> Iterator[None]:
    """Within the block, draw an object changed; behind it, model and data are what they were, bit for bit.

    Nothing may be simulated in the block. `camera` is dm_control's, whose axes say which way to move.
    """
    edits = CHANGES[change](physics, camera, item)
    before = [array[index].copy() for array, index, _ in edits]
    try:
        for array, index, value in edits:
            array[index] = value
        yield
    finally:
        for (array, index, _), value in zip(edits, before):
            array[index] = value


def _name(model: Any, kind: str, index: int) -> Any:
    if kind in ("geom", "site") and (body := int(getattr(model, f"{kind}_bodyid")[index])):
        return model.body(body).name or f"body {body}"
    return getattr(model, kind)(index).name.rstrip("0123456789") or "world"


def _hide(physics: Any, camera: Any, item: VisibleObject) -> list[Edit]:
    """Put an object where cameras do not look: it throws no shadow and has no reflection either."""
    model = physics.model.ptr
    return [(getattr(model, f"{kind}_group"), indices, HIDDEN_GROUP) for kind, indices in item.parts.items()]


def _paint(physics: Any, camera: Any, item: VisibleObject) -> list[Edit]:
    """Make an object magenta, opaque and without texture."""
    model = physics.model.ptr
    materials = [(getattr(model, f"{kind}_matid"), indices, -1) for kind, indices in item.parts.items()]
    return [*materials, *((getattr(model, f"{kind}_rgba"), ids, (*PAINT, 1.0)) for kind, ids in item.parts.items())]


def _shift(physics: Any, camera: Any, item: VisibleObject) -> list[Edit]:
    """Move an object to the right, as the camera sees it."""
    data, view = physics.data.ptr, camera.matrices()
    right, back = view.rotation[0, :3], view.rotation[2, :3]
    positions = {kind: getattr(data, f"{kind}_xpos") for kind in item.parts}
    center = np.concatenate([positions[kind][indices] for kind, indices in item.parts.items()]).mean(0)
    distance = (-view.translation[:3, 3] - center) @ back
    step = SHIFT * camera.width * distance / view.focal[1, 1] * right
    return [(positions[kind], indices, positions[kind][indices] + step) for kind, indices in item.parts.items()]


CHANGES: dict[str, Callable[[Any, Any, VisibleObject], list[Edit]]] = {
    "removed": _hide,
    "recolored": _paint,
    "moved": _shift,
}
