import pytest
import torch

import augment
from augment import Augmentation, ColorJitter, Crop, Cutout, Flip, Identity, OneOf, Sequential, Shift, make
from augment.compose import chain, split_outside_quotes

KNOWN = ", ".join(augment.names())


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def pictures(batch, size=100, seed=1):
    return torch.randint(0, 256, (batch, 9, size, size), dtype=torch.uint8, generator=seeded(seed))


@pytest.fixture
def clean_registry(monkeypatch):
    monkeypatch.setattr(augment, "_REGISTRY", dict(augment._REGISTRY))


@pytest.mark.parametrize(
    ("spec", "op"),
    [
        ("none", Identity()),
        ("none+none", Identity()),
        ("crop", Crop(84)),
        ("crop:ratio=1.5:centered=true", Crop(84, 1.5, True)),
        ("none+crop+none", Crop(84)),
        ("crop+flip:p=0.5", Sequential((Crop(84), Flip(0.5)))),
        ("crop+cutout:min_px=5:max_px=20", Sequential((Crop(84), Cutout(5, 20)))),
        ("crop+cutout/flip:p=0.5", Sequential((Crop(84), OneOf((Cutout(), Flip(0.5)))))),
        ("flip+flip", Sequential((Flip(), Flip()))),
        ("color_jitter:hue=0:p=1e-1", ColorJitter(hue=0.0, p=0.1)),
        ("shift/none", OneOf((Shift(), Identity()))),
    ],
)
def test_specs(spec, op):
    assert make(spec) == op


def test_sizes_walk_back_through_the_chain():
    op = make("translate+crop", 84)
    assert op.links[1].size == 84
    assert op.links[0].size == 100
    assert op.input_size(84, 84) == (93, 93)
    assert op.output_size(93, 93) == (84, 84)
    assert make("crop+translate", 108).input_size(108, 108) == (119, 119)
    assert make("crop/crop:centered=true", 84).input_size(84, 84) == (100, 100)


@pytest.mark.parametrize(
    ("spec", "size"), [("none", 84), ("crop+flip", 84), ("translate", 108), ("flip+translate:ratio=1.1", 108)]
)
def test_default_size(spec, size):
    assert augment.default_size(spec) == size


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("crp", f"unknown augmentation 'crp'; known: {KNOWN}"),
        ("crop+Flip", f"unknown augmentation 'Flip'; known: {KNOWN}"),
        ("crop flip", f"unknown augmentation 'crop flip'; known: {KNOWN}"),
        ("", f"augmentation '' has an empty link; known: {KNOWN}"),
        ("crop++flip", f"augmentation 'crop++flip' has an empty link; known: {KNOWN}"),
        ("crop+", f"augmentation 'crop+' has an empty link; known: {KNOWN}"),
        ("flip/", f"augmentation 'flip/' has an empty link; known: {KNOWN}"),
        (":p=1", f"augmentation ':p=1' has an empty link; known: {KNOWN}"),
        ("flip:q=1", "flip: unknown option 'q'; known: p"),
        ("crop:size=64", "crop: unknown option 'size'; known: ratio, centered"),
        ("none:p=1", "none: unknown option 'p'; known: no options"),
        ("overlay:images=1", "overlay: unknown option 'images'; known: alpha, folder, count, seed"),
        ("flip:p", "flip: option must be key=value, got 'p'"),
        ("flip:", "flip: option must be key=value, got ''"),
        ("flip:p=0.1:p=0.2", "flip: option 'p' is given twice"),
        ("flip:p=high", "flip: option p must be a number, got 'high'"),
        ("flip:p=", "flip: option p must be a number, got ''"),
        ("cutout:min_px=5.5", "cutout: option min_px must be a whole number, got '5.5'"),
        ("crop:centered=1", "crop: option centered must be true or false, got '1'"),
        ("flip:p=2", "flip: p must be in [0, 1], got 2.0"),
        ("cutout:min_px=40", "cutout: max_px must be at least min_px = 40, got 30"),
        ("crop/flip", "branches of a choice must have one input size, got [(84, 84), (100, 100)]"),
    ],
)
def test_errors_are_one_line_that_says_what_is_allowed(spec, text):
    with pytest.raises(ValueError) as error:
        make(spec)
    assert str(error.value) == text


@pytest.mark.parametrize("size", [0, -84])
def test_a_size_below_one_is_refused(size):
    with pytest.raises(ValueError) as error:
        make("none", size)
    assert str(error.value) == f"size must be at least 1, got {size}"


def test_default_size_reports_the_same_errors():
    with pytest.raises(ValueError, match=r"^unknown augmentation 'crp'; known: none, crop"):
        augment.default_size("crp")


def test_split_outside_quotes():
    assert split_outside_quotes("a+b", "+") == ["a", "b"]
    assert split_outside_quotes("", "+") == [""]
    assert split_outside_quotes("a='x+y'+b", "+") == ["a='x+y'", "b"]
    assert split_outside_quotes('a="it\'s+"+b', "+") == ['a="it\'s+"', "b"]


def test_chain_applies_in_the_order_written():
    images = pictures(16)
    generator = seeded()
    expected = Cutout()(Crop(84)(images, generator), generator)
    assert torch.equal(make("crop+cutout")(images, seeded()), expected)
    swapped = make("cutout+crop")
    assert isinstance(swapped.links[0], Cutout)
    assert not torch.equal(swapped(images, seeded()), expected)


def test_chain_parameters_are_named_by_link():
    params = make("crop+flip+flip").draw((3, 9, 100, 100), seeded())
    assert set(params) == {"0.top", "0.left", "1.flip", "2.flip"}


def test_links_beyond_the_tenth_keep_their_own_parameters():
    op = Sequential((Flip(1.0), *(Flip(0.0) for _ in range(9)), Flip(1.0)))
    images = pictures(4)
    assert torch.equal(op(images), images)
    params = op.draw(images.shape, seeded())
    assert params["10.flip"].all()
    assert not params["1.flip"].any()


def test_chain_evaluation_keeps_the_geometry_only():
    assert make("crop+color_jitter").evaluation() == Crop(84, centered=True)
    assert make("flip+color_jitter").evaluation() == Identity()
    assert make("crop/crop:centered=true").evaluation() == Crop(84, centered=True)


def test_one_of_gives_each_image_one_branch():
    images = pictures(300, size=12)
    op = OneOf((Flip(1.0), Identity(), Shift(0)))
    params = op.draw(images.shape, seeded())
    assert sorted(params["choice"].unique().tolist()) == [0, 1, 2]
    out = op.apply(images, params)
    flipped = params["choice"] == 0
    assert torch.equal(out[flipped], images[flipped].flip(3))
    assert torch.equal(out[~flipped], images[~flipped])


def test_one_of_chooses_each_branch_as_often():
    choice = OneOf((Flip(), Shift(), Cutout())).draw((9000, 9, 84, 84), seeded())["choice"]
    counts = choice.bincount(minlength=3)
    assert (counts - 3000).abs().max() < 4.5 * (9000 * 2 / 9) ** 0.5


def test_one_of_refuses_branches_of_different_output():
    with pytest.raises(ValueError, match=r"^branches of a choice must have one output size"):
        OneOf((Crop(84), Crop(64))).draw((2, 9, 100, 100))


@pytest.mark.parametrize(
    ("spec", "parts"),
    [
        ("crop", (Crop(84), Identity())),
        ("none", (Identity(), Identity())),
        ("grayscale:p=1", (Identity(), augment.Grayscale(1.0))),
        ("crop+flip+grayscale+cutout", ("crop+flip", "grayscale+cutout")),
        ("crop+cutout/grayscale", ("crop", "cutout/grayscale")),
        ("color_jitter+crop", ("none", "color_jitter+crop")),
    ],
)
def test_split_at_float(spec, parts):
    first, second = (make(part) if isinstance(part, str) else part for part in parts)
    assert augment.split_at_float(make(spec)) == (first, second)


def test_takes_bytes_is_that_of_all_parts():
    assert make("crop+flip").takes_bytes
    assert not make("crop+grayscale").takes_bytes
    assert make("flip/cutout").takes_bytes
    assert not make("flip/grayscale").takes_bytes


def test_chain_of_nothing_is_the_identity():
    assert chain([]) == Identity()


def test_register_makes_a_factory_known(clean_registry):
    def twice(size: int, p: float = 0.25) -> Augmentation:
        return Sequential((Flip(p), Crop(size)))

    augment.register("flip_crop", twice)
    assert "flip_crop" in augment.names()
    assert make("flip_crop:p=0.75", 64) == Sequential((Flip(0.75), Crop(64)))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("crop", "augmentation 'crop' is already registered"),
        ("a+b", "name must be a word of letters, digits and underscores, got 'a+b'"),
        ("", "name must be a word of letters, digits and underscores, got ''"),
    ],
)
def test_register_refuses(clean_registry, name, text):
    with pytest.raises(ValueError) as error:
        augment.register(name, Identity)
    assert str(error.value) == text
