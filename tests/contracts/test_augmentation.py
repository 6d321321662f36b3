"""What every augmentation keeps, whatever it does: run for each registered name and a few chains."""

import random
from dataclasses import dataclass

import numpy as np
import pytest
import torch

import augment

SIZE = 36
CHAINS = (
    "crop+color_jitter",
    "translate+flip:p=0.5+random_conv",
    "flip:p=1/rotate:p=1/none",
    "shift+cutout/grayscale",
)
SPECS = (*augment.names(), *CHAINS)
FIXED = ("none",)
FORMATS = (torch.contiguous_format, torch.channels_last)


@pytest.fixture(params=SPECS)
def spec(request):
    return request.param


@pytest.fixture
def op(spec):
    return augment.make(spec, SIZE)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def image_size(op, square=True):
    """The input size of the op; not square on request, towards what it can still take."""
    height, width = op.input_size(SIZE, SIZE)
    if square:
        return height, width
    try:
        op.output_size(height, width + 4)
    except ValueError:
        return height, width - 3
    return height, width + 4


def stored(op, batch=6, frames=3, square=True, layout=torch.channels_last, seed=1):
    shape = (batch, 3 * frames, *image_size(op, square))
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=seeded(seed))
    return images.contiguous(memory_format=layout)


def inputs(op, **options):
    """Images of each type that the op takes."""
    images = stored(op, **options)
    floats = images.float() / 255
    return [images, floats] if op.takes_bytes else [floats]


def close(a, b):
    if a.dtype == torch.uint8:
        return torch.equal(a, b)
    return torch.allclose(a, b, atol=2e-6, rtol=0)


def test_registry_holds_the_papers_names():
    assert augment.names()[:12] == (
        *("none", "crop", "translate", "shift", "flip", "rotate", "grayscale", "color_jitter"),
        *("random_conv", "cutout", "cutout_color", "overlay"),
    )


@pytest.mark.parametrize("square", [True, False])
@pytest.mark.parametrize("batch", [1, 6])
@pytest.mark.parametrize("frames", [1, 3, 4])
def test_shape_type_and_range(op, square, batch, frames):
    for images in inputs(op, square=square, batch=batch, frames=frames):
        out = op(images, seeded())
        assert out.shape == (batch, 3 * frames, *op.output_size(*images.shape[2:]))
        assert out.dtype == images.dtype
        assert out.min() >= 0
        assert out.max() <= (255 if out.dtype == torch.uint8 else 1)
        assert out.float().std() > 0


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_other_float_types_are_kept_and_agree(op, dtype):
    images = stored(op).to(dtype) / 255
    params = op.draw(images.shape, seeded())
    out = op.apply(images, params)
    assert out.dtype == dtype
    # Up to four roundings of 2^-9 in bfloat16; hue multiplies them, so this looks at the average.
    assert (out.float() - op.apply(images.float(), params)).abs().mean() < 0.02


@dataclass
class Unbuilt:
    """Stacks of frames; whether `images` were built is noted."""

    frames: torch.Tensor
    index: torch.Tensor
    built: bool = False

    @property
    def images(self):
        self.built = True
        return torch.stack([torch.cat([self.frames[number] for number in row]) for row in self.index.tolist()])


@pytest.mark.parametrize("square", [True, False])
def test_stacks_that_are_not_built_give_what_built_ones_do(spec, op, square):
    for frames in inputs(op, batch=7, frames=1, square=square, layout=torch.contiguous_format):
        stacks = Unbuilt(frames, torch.randint(7, (5, 3), generator=seeded()))
        params = op.draw((5, 9, *frames.shape[2:]), seeded())
        out = op.apply_to_stacks(stacks, params)
        assert stacks.built is not spec.startswith("crop")
        assert torch.equal(out, op.apply(stacks.images, params))


@pytest.mark.parametrize("square", [True, False])
def test_output_size_is_true_and_input_size_leads_to_it(op, square):
    assert op.output_size(*op.input_size(SIZE, SIZE)) == (SIZE, SIZE)
    images = stored(op, square=square)
    assert op(images.float() / 255).shape[2:] == op.output_size(*images.shape[2:])


def test_parameters_have_the_batch_first_and_go_where_asked(op):
    shape = stored(op, batch=5).shape
    for name, value in op.draw(shape, seeded()).items():
        assert value.shape[0] == 5, name
    assert all(value.device.type == "meta" for value in op.draw(shape, seeded(), "meta").values())


def test_apply_is_deterministic_and_leaves_the_input_alone(op):
    for images in inputs(op):
        before = images.clone()
        params = op.draw(images.shape, seeded())
        drawn = {name: value.clone() for name, value in params.items()}
        assert torch.equal(op.apply(images, params), op.apply(images, params))
        assert torch.equal(images, before)
        assert all(torch.equal(params[name], drawn[name]) for name in drawn)


def test_output_does_not_share_memory_unless_nothing_is_done(op, spec):
    images = stored(op).float() / 255
    shared = op(images, seeded()).data_ptr() == images.data_ptr()
    assert shared == (spec == "none")


def test_call_is_draw_and_apply(op):
    images = stored(op).float() / 255
    assert torch.equal(op(images, seeded(3)), op.apply(images, op.draw(images.shape, seeded(3))))


def test_generator_reproduces_and_advances(op, spec):
    shape = stored(op, batch=64).shape
    generator = seeded(5)
    first, second = op.draw(shape, generator), op.draw(shape, generator)
    again = op.draw(shape, seeded(5))
    assert first.keys() == again.keys() == second.keys()
    assert all(torch.equal(first[name], again[name]) for name in first)
    if spec not in FIXED:
        assert any(not torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("generator", [None, "given"])
def test_global_random_states_are_untouched(op, generator):
    images = stored(op).float() / 255
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    op(images, seeded() if generator else None)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()  # noqa: NPY002
    assert random.getstate() == before[2]


def test_without_a_generator_draws_are_fresh_even_under_one_global_seed(op, spec):
    if spec in FIXED:
        pytest.skip("draws nothing")
    shape = stored(op, batch=64).shape
    draws = []
    for _ in range(2):
        torch.manual_seed(0)
        draws.append(op.draw(shape))
    assert any(not torch.equal(draws[0][name], draws[1][name]) for name in draws[0])


@pytest.mark.parametrize("layout", FORMATS)
def test_an_image_depends_on_itself_only(op, layout):
    for images in inputs(op, layout=layout):
        params = op.draw(images.shape, seeded())
        whole = op.apply(images, params)
        for i in range(len(images)):
            alone = op.apply(images[i : i + 1], {name: value[i : i + 1] for name, value in params.items()})
            assert close(alone[0], whole[i]), i


def test_frames_of_a_stack_are_treated_alike(op):
    for images in inputs(op):
        swapped = torch.cat([images[:, 6:], images[:, 3:6], images[:, :3]], 1)
        params = op.draw(images.shape, seeded())
        out, other = op.apply(images, params), op.apply(swapped, params)
        assert close(torch.cat([other[:, 6:], other[:, 3:6], other[:, :3]], 1), out)


@pytest.mark.parametrize("layout", FORMATS)
def test_memory_format_is_kept(op, layout):
    for images in inputs(op, layout=layout):
        out = op(images, seeded())
        assert out.is_contiguous(memory_format=layout)
        assert op.evaluation()(images).is_contiguous(memory_format=layout)


def test_formats_and_strides_make_no_difference(op):
    for images in inputs(op):
        params = op.draw(images.shape, seeded())
        out = op.apply(images, params)
        assert close(op.apply(images.contiguous(), params), out)
        apart = torch.zeros(2 * len(images), *(n + 2 for n in images.shape[1:]), dtype=images.dtype)
        for holder in (apart, apart.contiguous(memory_format=torch.channels_last)):
            view = holder[::2, :-2, 1:-1, 1:-1]
            view.copy_(images)
            assert close(op.apply(view, params), out)


@pytest.mark.parametrize("square", [True, False])
def test_evaluation_draws_nothing_random_and_has_the_same_size(op, square):
    images = stored(op, square=square).float() / 255
    evaluation = op.evaluation()
    out = evaluation(images, seeded(0))
    assert torch.equal(out, evaluation(images, seeded(1)))
    assert out.shape[2:] == op.output_size(*images.shape[2:])
    assert evaluation.input_size(SIZE, SIZE) == op.input_size(SIZE, SIZE)
    assert evaluation.evaluation() == evaluation


def test_evaluation_is_the_identity_unless_the_size_changes(op, spec):
    images = inputs(op)[0]
    same = op.evaluation()(images) is images
    assert same == ("crop" not in spec and "translate" not in spec)


def test_bytes_and_floats_agree(op):
    if not op.takes_bytes:
        pytest.skip("takes floats only")
    images = stored(op)
    params = op.draw(images.shape, seeded())
    from_bytes = op.apply(images, params).float() / 255
    # cutout_color rounds its color to a byte: half of 1/255.
    assert torch.allclose(from_bytes, op.apply(images.float() / 255, params), atol=0.5 / 255 + 1e-6)


def test_types_that_an_op_does_not_take_are_refused(op, spec):
    images = stored(op)
    params = op.draw(images.shape, seeded())
    with pytest.raises(TypeError, match=r"takes .*got torch.int64"):
        op.apply(images.long(), params)
    if not op.takes_bytes:
        with pytest.raises(TypeError, match=r"takes float images in \[0, 1\], got torch.uint8"):
            op.apply(images, params)


@pytest.mark.parametrize("shape", [(9, 40, 40), (2, 4, 40, 40), (0, 9, 40, 40), (2, 9, 0, 40)])
def test_other_shapes_are_refused(op, shape):
    with pytest.raises(ValueError, match=r"^images must have the shape \[B, 3 \* frames, H, W\], got \["):
        op.draw(shape)
    with pytest.raises(ValueError, match="images must have the shape"):
        op.apply(torch.zeros(shape), {})


@pytest.mark.slow
def test_split_at_float_changes_nothing(op):
    images = stored(op)
    bytes_op, float_op = augment.split_at_float(op)
    assert bytes_op.takes_bytes
    generator, generator_of_parts = seeded(), seeded()
    parts = float_op(bytes_op(images, generator_of_parts).float() / 255, generator_of_parts)
    assert torch.allclose(parts, op(images.float() / 255, generator), atol=0.5 / 255)


def test_equal_specs_make_equal_ops_that_can_be_printed(op, spec):
    assert augment.make(spec, SIZE) == op
    assert repr(op) == repr(augment.make(spec, SIZE))


@pytest.mark.slow
@pytest.mark.parametrize("layout", FORMATS)
def test_what_an_accelerator_runs_gives_the_same(op, layout, monkeypatch):
    for images in inputs(op, layout=layout):
        params = op.draw(images.shape, seeded())
        expected = op.apply(images, params)
        with monkeypatch.context() as patch:
            for module in ("indexing", "compose", "erase", "crop"):
                patch.setattr(f"augment.{module}.on_cpu", lambda _: False)
            out = op.apply(images, params)
        assert close(out, expected)
        assert out.is_contiguous(memory_format=layout)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("layout", FORMATS)
def test_an_accelerator_gives_the_same_and_never_waits(op, layout):
    for images in inputs(op, layout=layout):
        params = op.draw(images.shape, seeded())
        there = images.cuda(), {name: value.cuda() for name, value in params.items()}
        op.apply(*there)  # first use may load kernels and pictures
        torch.cuda.set_sync_debug_mode("error")
        try:
            out = op.apply(*there)
        finally:
            torch.cuda.set_sync_debug_mode("default")
        assert out.is_contiguous(memory_format=layout)
        assert torch.allclose(out.cpu().float(), op.apply(images, params).float(), atol=1e-3)
