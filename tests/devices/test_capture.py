"""Captured updates: on the CPU, where a recording runs the update again, and on a GPU, where there is one."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import augment
from rad.agents.device import draws
from rad.agents.device.capture import Captured, record_cuda
from rad.agents.sac import SACAgent
from rad.settings import SettingError
from tests.devices.fake_card import CARD, fake_card
from tests.devices.test_calls import SAC_OPTIONS
from tests.rad.agents import small

CPU = torch.device("cpu")
ALL_OPTIONS = SAC_OPTIONS | {"frozen": {"freeze_augment": True}, "bf16": {"precision": "bf16"}}

SPECS = [f"{name}:min_px=2:max_px=6" if name.startswith("cutout") else name for name in augment.names()]

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")


class Recorder:
    """Records by keeping the function, as if the CPU had graphs; counts what is recorded and replayed."""

    def __init__(self) -> None:
        self.recorded = self.replayed = 0

    def __call__(self, run: Callable[[], None], device: torch.device) -> Callable[[], None]:
        self.recorded += 1

        def replay() -> None:
            self.replayed += 1
            run()

        return replay


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    monkeypatch.setattr(draws, "pinned", lambda size: torch.empty(size, dtype=torch.uint8))
    return Recorder()


def captured_agent(recorder: Recorder, **options: Any) -> SACAgent:
    agent = small.small_agent(**options)
    agent.captured = Captured(agent._learn, CPU, recorder)
    return agent


def rows(agent: SACAgent, op: str, count: int, first: int = 0, device: torch.device = CPU) -> list[dict[str, Tensor]]:
    """Update and return the metrics; they are read at the end, as a run's are."""
    return [dict(agent.update(small.small_stacks(op, seed=first + n, device=device))) for n in range(count)]


def assert_same(ours: SACAgent, plain: SACAgent, ours_rows: list[Any], plain_rows: list[Any]) -> None:
    assert torch.equal(small.everything(ours).cpu(), small.everything(plain).cpu())
    for mine, theirs in zip(ours_rows, plain_rows, strict=True):
        assert {name: float(value) for name, value in mine.items()} == {n: float(v) for n, v in theirs.items()}


@pytest.mark.parametrize("options", ALL_OPTIONS.values(), ids=ALL_OPTIONS)
def test_recorded_updates_are_the_same(options: dict[str, Any], recorder: Recorder) -> None:
    plain, ours = small.small_agent(**options), captured_agent(recorder, **options)
    op = options.get("op", "crop")
    assert_same(ours, plain, rows(ours, op, 9), rows(plain, op, 9))
    assert (recorder.recorded, recorder.replayed) == (2, 7)  # with and without a step of the actor


def test_each_kind_of_update_is_recorded(recorder: Recorder) -> None:
    options: dict[str, Any] = {"actor_update_freq": 2, "target_update_freq": 3}
    plain, ours = small.small_agent(**options), captured_agent(recorder, **options)
    assert_same(ours, plain, rows(ours, "crop", 14), rows(plain, "crop", 14))
    assert (recorder.recorded, recorder.replayed) == (4, 10)


def test_a_state_that_is_loaded_is_recorded_anew(recorder: Recorder) -> None:
    plain, ours = small.small_agent(), captured_agent(recorder)
    state = plain.state_dict()
    rows(ours, "crop", 6)
    ours.load_state_dict(state)
    assert_same(ours, plain, rows(ours, "crop", 6), rows(plain, "crop", 6))
    assert recorder.recorded == 4


def test_frames_of_the_host_and_other_shapes_are_not_mixed_up(recorder: Recorder) -> None:
    """Another replay, whose frames lie elsewhere, is another kind of update."""
    plain, ours = small.small_agent(), captured_agent(recorder)
    batches = [small.small_stacks(seed=n) for n in range(3)] + [small.small_batch(seed=n) for n in range(6)]
    assert_same(ours, plain, [ours.update(b) for b in batches], [plain.update(b) for b in batches])


@pytest.mark.parametrize("spec", [*augment.names(), "flip/rotate+cutout"])
def test_what_an_augmentation_draws_is_always_of_one_shape(spec: str) -> None:
    op, generator = augment.make(spec, 36), torch.Generator().manual_seed(0)
    size = (5, 6, *op.input_size(36, 36))
    shapes = [draws.layout(dict(op.draw(size, generator))) for _ in range(4)]
    assert len(set(shapes)) == 1


def test_what_cannot_be_recorded_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_graph() -> None:
        raise RuntimeError("operation not permitted when stream is capturing\nCUDA kernel errors might be ...")

    monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: None)
    monkeypatch.setattr(torch.cuda, "device", lambda _: torch.no_grad())
    monkeypatch.setattr(torch.cuda, "graph", lambda *_, **__: torch.no_grad())
    with pytest.raises(SettingError, match=r"^capture: the update cannot be recorded .* stream is capturing$"):
        record_cuda(no_graph, torch.device("cuda"))


def test_updates_are_recorded_on_cuda_alone() -> None:
    assert small.small_agent(capture=True).captured is None
    with fake_card():
        assert small.small_agent(device=CARD).captured is None
        assert small.small_agent(device=CARD, capture=True).captured is not None


@pytest.mark.parametrize("spec", SPECS)
def test_recorded_updates_are_the_same_with_each_augmentation(spec: str, recorder: Recorder) -> None:
    plain, ours = small.small_agent(spec), captured_agent(recorder, op=spec)
    assert_same(ours, plain, rows(ours, spec, 5), rows(plain, spec, 5))
    assert recorder.replayed == 3


@needs_gpu
@pytest.mark.parametrize("spec", SPECS)
def test_a_gpu_replays_what_it_computes_with_each_augmentation(spec: str) -> None:
    check_on_gpu({"op": spec})


@needs_gpu
@pytest.mark.parametrize("options", ALL_OPTIONS.values(), ids=ALL_OPTIONS)
def test_a_gpu_replays_what_it_computes(options: dict[str, Any]) -> None:
    check_on_gpu(options)


def check_on_gpu(options: dict[str, Any]) -> None:
    card, op = torch.device("cuda:0"), options.get("op", "crop")
    plain, ours = (small.small_agent(device=card, **options) for _ in range(2))
    ours.captured = Captured(ours._learn, card)
    frames = small.small_stacks(op).obs.frames.to(card)  # of one replay, for all updates
    pairs = []
    for number in range(8):
        batch = small.small_stacks(op, seed=number, device=card)
        frames.copy_(batch.obs.frames)
        batch = batch._replace(
            obs=type(batch.obs)(frames, batch.obs.index), next_obs=type(batch.obs)(frames, batch.next_obs.index)
        )
        pairs.append((ours.update(batch), plain.update(batch)))
    assert_same(ours, plain, [pair[0] for pair in pairs], [pair[1] for pair in pairs])
