"""Fixed numbers in the form that the parts of the page are measured in."""

from typing import Any

FACTS: dict[str, Any] = {
    "cpu": "A CPU", "cpus": 2, "threads": 2, "fast_bf16": False, "load_1min": 0.5, "python": "3.11.7",
    "torch": "2.14.1", "rad": "0.1.0", "numpy": "1.26.4", "torchvision": "0.29.1", "kornia": "0.9.0",
    "stable-baselines3": "2.9.2",
    "torchrl": "not installed", "tensordict": "not installed", "commit": "abc", "repeats": 3, "short": False,
}  # fmt: skip
POINT = {"batch": 128, "image": 84, "encoder": "pixel", "threads": 2, "replay": 1000}
SPENT = {"simulation": 0.5, "inference": 1.5, "update": 8.0}


def row(labels: dict[str, Any], *rounds: dict[str, float]) -> dict[str, Any]:
    return {"labels": labels, "rounds": list(rounds)}


ROWS: dict[str, list[dict[str, Any]]] = {
    "sac-updates": [
        row(POINT, *({"fp32": ms, "eager": 20.0, "stable-baselines3": 30.0} for ms in (10.0, 8.0, 12.5))),
    ],
    "sac-runs": [
        row({"side": "rad", "precision": "fp32"}, {"frames_per_s": 80.0, "evaluation_frames_per_s": 160.0}),
        row({"side": "eager", "precision": "fp32"}, {"frames_per_s": 40.0}),
        row({"side": "stable-baselines3", "precision": "fp32", "missing": "not installed"}),
    ],
    "overlap": [
        row(
            {"preset": "rad"},
            *(
                {"ratio": whole / 100, "target": 1.1, "updates_ms": 100.0, "rendering_ms": 60.0, "whole_ms": whole}
                for whole in (100.0, 104.0, 110.0)
            ),
        ),
        row(
            {"preset": "lean"},
            {"ratio": 1.32, "target": 1.1, "updates_ms": 10.0, "rendering_ms": 40.0, "whole_ms": 40.0},
        ),
    ],
    "ppo-runs": [
        row({"task": "procgen/coinrun", "side": "", "missing": "procgen not installed"}),
        row({"task": "gym/L", "side": "fp32"}, {"steps_per_s": 100.0, "frames_per_s": 300.0, **SPENT}),
        row({"task": "gym/L", "side": "eager"}, {"steps_per_s": 50.0, "frames_per_s": 150.0, **SPENT}),
        row({"task": "gym/L", "side": "torchrl", "missing": "not installed"}),
    ],
    "augment": [
        row(
            {"op": "crop"},
            {"ours_per_s": 2000.0, "kornia_per_s": 500.0, "torchvision_per_s": None, "numpy_per_s": 900.0}
            | {"ratio": 2.2},
        ),
    ],
}  # fmt: skip


def results() -> dict[str, dict[str, Any]]:
    return {name: {"facts": FACTS, "rows": rows} for name, rows in ROWS.items()}
