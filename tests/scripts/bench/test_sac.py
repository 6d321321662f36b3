"""The update benchmark runs both sides, counts updates in pairs, and says what it needs."""

import dataclasses
import mmap
from collections.abc import Callable

import pytest
import torch

from rad.runtime import device
from scripts.bench import process, sac

TINY = sac.Job(
    batch_size=4, action_dim=1, hidden_dim=8, transitions=20, warmup=1, pairs=1, side_px=20, crop_px=16
)  # fmt: skip


@pytest.mark.parametrize("side", ["eager", "fp32", "bf16"])
def test_each_side_updates(monkeypatch: pytest.MonkeyPatch, side: str) -> None:
    tuned = []
    monkeypatch.setattr(device, "tune_allocator", lambda: tuned.append(True))
    result = sac.work(dataclasses.replace(TINY, side=side))
    assert set(result) == {"ms", "page_faults", "gflop"}
    assert result["ms"] > 0
    assert result["page_faults"] >= 0
    assert len(tuned) == (side != "eager"), "the eager side takes the allocator as it comes"


@pytest.mark.parametrize(("side", "kind"), [("fp32", "fp32"), ("bf16", "bf16")])
def test_the_library_side_is_the_agent_as_configured(monkeypatch: pytest.MonkeyPatch, side: str, kind: str) -> None:
    monkeypatch.setattr(device, "tune_allocator", lambda: True)
    update = sac.library_update(dataclasses.replace(TINY, side=side))
    agent = {cell.__class__.__name__: cell for cell in (c.cell_contents for c in update.__closure__)}["SACAgent"]
    assert agent.precision == kind
    assert agent.encoder.image_shape == (9, 16, 16)
    assert (agent.config.batch_size, agent.config.hidden_dim) == (4, 8)
    update()
    update()
    assert agent.updates == 2


def test_updates_are_timed_in_pairs_after_the_warm_up() -> None:
    calls = []
    sac.time_updates(lambda: calls.append(None), warmup=3, pairs=2)
    assert len(calls) == 3 + 2 * 2


def test_operations_are_those_of_matrix_products_and_convolutions() -> None:
    a, b = torch.zeros(2, 3), torch.zeros(3, 5)
    assert sac.giga_operations(lambda: a @ b) == pytest.approx(2 * 2 * 3 * 5 / 1e9)


def test_page_faults_count_fresh_memory() -> None:
    before = sac.page_faults()
    mmap.mmap(-1, 64 * 2**20).write(bytes(64 * 2**20))
    assert sac.page_faults() > before


NUMBERS = {"eager": (600.0, 9000.0, 7.0), "fp32": (400.0, 10.0, 6.0), "bf16": (200.0, 20.0, 6.0)}


def measured(order: list[tuple[str, int, str]]) -> Callable[[str, sac.Job], dict[str, float]]:
    """Return what gives the numbers above in the place of a measurement, and notes what was asked for."""

    def measure(module: str, job: sac.Job) -> dict[str, float]:
        order.append((job.preset, job.batch_size, job.side))
        return dict(zip(("ms", "page_faults", "gflop"), NUMBERS[job.side]))

    return measure


def test_rows_have_the_ratio_beside_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[tuple[str, int, str]] = []
    monkeypatch.setattr(process, "measure", measured(order))
    monkeypatch.setattr(device, "has_fast_bf16", lambda which: True)
    rows = sac.run()
    sides = ("eager", "fp32", "bf16")
    assert order == [
        *(("rad", batch, side) for batch in (128, 512) for side in sides),
        *zip(("rad", "lean", "lean"), (256,) * 3, sides),  # the eager version is RAD as published
    ]
    assert [tuple(row[name] for name in ("preset", "batch", "precision", "ratio", "target")) for row in rows] == [
        ("rad", 128, "fp32", 1.5, 1.25),
        ("rad", 128, "bf16", 3.0, 2.2),
        ("rad", 512, "fp32", 1.5, 3.0),
        ("rad", 512, "bf16", 3.0, 6.0),
        ("lean", 256, "fp32", 1.5, None),
        ("lean", 256, "bf16", 3.0, None),
    ]
    assert (rows[1]["ms"], rows[1]["eager_ms"]) == (200.0, 600.0)
    assert (rows[1]["page_faults"], rows[1]["eager_page_faults"]) == (20.0, 9000.0)


def test_a_processor_without_bf16_is_not_held_to_targets_of_one_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "measure", measured([]))
    monkeypatch.setattr(device, "has_fast_bf16", lambda which: False)
    assert [(row["precision"], row["target"]) for row in sac.run()] == [("fp32", None)] * 3


@pytest.mark.slow
def test_each_side_has_a_process_of_its_own() -> None:
    rows = sac.run((TINY,))
    assert [row["precision"] for row in rows] == list(sac.native_precisions())
    assert all(row["ratio"] == pytest.approx(row["eager_ms"] / row["ms"]) for row in rows)


@pytest.mark.slow
def test_the_lean_preset_updates_at_its_own_size() -> None:
    update = sac.library_update(sac.Job("fp32", "lean", batch_size=4, transitions=20))
    agent = {cell.__class__.__name__: cell for cell in (c.cell_contents for c in update.__closure__)}["SACAgent"]
    update()
    assert agent.encoder.image_shape == (9, 64, 64)
    assert [layer.stride for layer in agent.encoder.layers if hasattr(layer, "stride")] == [(2, 2)] * 3 + [(1, 1)]
    assert (agent.config.hidden_dim, agent.config.target_encoder) == (512, False)


@pytest.mark.slow
def test_a_process_that_fails_is_quoted() -> None:
    with pytest.raises(RuntimeError, match=r"measuring fp32 ended with 1: ValueError: .*crop"):
        process.measure("scripts.bench.sac", dataclasses.replace(TINY, side="fp32", crop_px=40))
