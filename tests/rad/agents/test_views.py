from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor

import augment
from augment import Augmentation, Sequential
from rad.agents.bandit import BanditViews
from rad.agents.views import Views
from rad.types import images_to_float

SPECS = ["none", "crop", "translate", "shift", "crop+flip:p=0.5", "crop+color_jitter", "random_conv+cutout:max_px=12"]
SIZE = 16


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make(spec: str, *, seed: int = 0, frozen: bool = False) -> Views:
    return Views(augment.make(spec, size=SIZE), generator(seed), frozen=frozen)


def images(spec: str = "none", *, seed: int = 0, count: int = 5) -> Tensor:
    side = augment.make(spec, size=SIZE).input_size(SIZE, SIZE)[0]
    return torch.randint(0, 256, (count, 6, side, side), generator=generator(seed), dtype=torch.uint8)


@dataclass(frozen=True)
class Spy(Augmentation):
    """Notes the type and the size of what it is given."""

    seen: list[Any] = field(default_factory=list)
    takes_bytes: bool = True  # type: ignore[misc]

    def _apply(self, images: Tensor, params: Any) -> Tensor:
        self.seen.append((images.dtype, tuple(images.shape)))
        return images

    def evaluation(self) -> Augmentation:
        return self


@pytest.mark.parametrize("see", ["__call__", "eval_view"])
def test_geometry_runs_on_bytes_and_the_rest_on_floats(see: str) -> None:
    on_bytes, on_floats = Spy(), Spy(takes_bytes=False)
    views = Views(Sequential((on_bytes, augment.make("crop", SIZE), on_floats)), generator())
    getattr(views, see)(images("crop"))
    assert on_bytes.seen == [(torch.uint8, (5, 6, 19, 19))]  # 16 x 100 / 84 = 19.05
    assert on_floats.seen == [(torch.float32, (5, 6, 16, 16))]


@pytest.mark.parametrize("spec", SPECS)
def test_views_are_float32_in_the_unit_range_and_of_the_size_asked_for(spec: str) -> None:
    views, stored = make(spec), images(spec)
    for view in (views(stored), views.eval_view(stored)):
        assert view.dtype == torch.float32 and view.shape == (5, 6, SIZE, SIZE)
        assert view.min() >= 0 and 0.5 < view.max() <= 1


def test_without_an_augmentation_a_view_is_the_image_over_255() -> None:
    stored = images()
    torch.testing.assert_close(make("none")(stored), stored.float() / 255)


@pytest.mark.parametrize("spec", SPECS)
def test_the_stored_images_are_left_as_they_are(spec: str) -> None:
    stored = images(spec)
    before, views = stored.clone(), make(spec)
    views(stored)
    views.eval_view(stored)
    assert torch.equal(stored, before)


@pytest.mark.parametrize("spec", SPECS[1:])
def test_draws_are_independent_unless_they_are_shared(spec: str) -> None:
    views, stored = make(spec), images(spec)
    draw = views.draw(stored.shape)
    assert torch.equal(views.apply(stored, draw), views.apply(stored, draw))
    assert not torch.equal(views(stored), views(stored))


def test_a_shared_draw_moves_different_images_alike() -> None:
    left, right = images("crop", seed=1), images("crop", seed=2)
    views = make("crop")
    draw = views.draw(left.shape)
    one, other = views.apply(left, draw), views.apply(right, draw)
    # Find each window by hand: both images of a pair must have theirs at the same place.
    for i in range(len(left)):
        assert window_of(left[i], one[i]) == window_of(right[i], other[i])


def window_of(image: Tensor, view: Tensor) -> list[tuple[int, int]]:
    places = [(top, left) for top in range(4) for left in range(4)]
    whole = images_to_float(image[None])[0]
    return [(top, left) for top, left in places if torch.equal(whole[:, top : top + SIZE, left : left + SIZE], view)]


def test_a_frozen_draw_is_repeated() -> None:
    views, stored, other = make("crop", frozen=True), images("crop"), images("crop", seed=3)
    first = views(stored)
    views(other)
    assert torch.equal(views(stored), first)
    rows = {tuple(window_of(stored[i], first[i])) for i in range(5)}
    assert len(rows) == 1  # one place: a transition meets it in whatever row of a batch it is sampled into


def test_a_frozen_draw_serves_any_number_of_images() -> None:
    views, stored = make("crop+color_jitter", frozen=True), images("crop")
    first = views(stored)
    torch.testing.assert_close(views(stored[3:]), first[3:])


@pytest.mark.parametrize("spec", ["crop", "translate"])
def test_the_eval_view_is_the_evaluation_geometry(spec: str) -> None:
    op, stored = augment.make(spec, size=SIZE), images(spec)
    assert torch.equal(make(spec).eval_view(stored), images_to_float(op.evaluation()(stored)))


def test_the_eval_view_of_a_crop_is_the_center() -> None:
    stored = images("crop")  # 19 px, so 3 // 2 = 1 px is cut off above and left
    torch.testing.assert_close(make("crop").eval_view(stored), stored[:, :, 1:17, 1:17].float() / 255)


@pytest.mark.parametrize("spec", ["color_jitter", "cutout:max_px=12", "shift"])
def test_the_eval_view_has_no_augmentation(spec: str) -> None:
    stored = images(spec)
    assert torch.equal(make(spec).eval_view(stored), images_to_float(stored))


def test_the_eval_view_draws_nothing() -> None:
    views, stored = make("crop+color_jitter"), images("crop")
    before = views.generator.get_state()
    views.eval_view(stored)
    assert torch.equal(views.generator.get_state(), before)
    views(stored)
    assert not torch.equal(views.generator.get_state(), before)


def test_draws_come_from_the_generator_alone() -> None:
    stored, spec = images("crop"), "crop+color_jitter"
    before = torch.get_rng_state()
    assert torch.equal(make(spec, seed=4)(stored), make(spec, seed=4)(stored))
    assert not torch.equal(make(spec, seed=4)(stored), make(spec, seed=5)(stored))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("frozen", [False, True])
def test_a_restored_state_gives_the_same_next_view(frozen: bool) -> None:
    stored, original, restored = images("crop"), make("crop", frozen=frozen), make("crop", seed=9, frozen=frozen)
    original(stored)
    restored(stored)
    restored.load_state_dict(original.state_dict())
    for _ in range(2):
        assert torch.equal(restored(stored), original(stored))


def held_views(spec: str, *, seed: int = 0, count: int = 5) -> BanditViews:
    side = images(spec).shape[-1]
    views = BanditViews({"": augment.make(spec, size=SIZE)}, (6, side, side), generator(seed))
    views.sample_params((count, 6, side, side), torch.device("cpu"))
    return views


class TestViewsOfARollout:
    everyone = torch.arange(5)

    @pytest.mark.parametrize("spec", [*SPECS, "flip:p=0.5/grayscale:p=1"])
    def test_what_is_held_is_applied_again_and_again(self, spec: str) -> None:
        views, stored = held_views(spec), images(spec)
        before = views.generator.get_state()
        first = views.apply_params(stored, self.everyone)
        assert torch.equal(views.apply_params(stored, self.everyone), first)
        assert torch.equal(views.generator.get_state(), before)

    @pytest.mark.parametrize("spec", [*SPECS, "flip:p=0.5/grayscale:p=1"])
    def test_images_in_any_order_get_what_their_environment_holds(self, spec: str) -> None:
        views, stored, env = held_views(spec), images(spec), torch.tensor([3, 0, 3, 4])
        whole = views.apply_params(stored, self.everyone)
        torch.testing.assert_close(views.apply_params(stored[env], env), whole[env])

    def test_different_images_of_an_environment_are_moved_alike(self) -> None:
        views, env = held_views("crop"), torch.tensor([2, 2, 2])
        stored = images("crop", count=3)
        seen = views.apply_params(stored, env)
        assert len({tuple(window_of(stored[i], seen[i])) for i in range(3)}) == 1

    def test_environments_differ(self) -> None:
        views, stored = held_views("crop"), images("crop")
        seen = views.apply_params(stored, self.everyone)
        assert len({tuple(window_of(stored[i], seen[i])) for i in range(5)}) > 1

    def test_holding_draws_anew(self) -> None:
        views, stored = held_views("crop"), images("crop")
        first = views.apply_params(stored, self.everyone)
        views.sample_params(tuple(stored.shape), torch.device("cpu"))
        assert not torch.equal(views.apply_params(stored, self.everyone), first)

    def test_a_restored_state_holds_the_same(self) -> None:
        original, restored = held_views("crop+color_jitter"), held_views("crop+color_jitter", seed=9)
        restored.load_state_dict(original.state_dict())
        stored = images("crop+color_jitter")
        assert torch.equal(restored.apply_params(stored, self.everyone), original.apply_params(stored, self.everyone))
        assert torch.equal(restored(stored), original(stored))
