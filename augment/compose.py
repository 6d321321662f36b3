"""Chains and choices of augmentations, and the parser of their written form."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from augment.base import Augmentation, Identity, Params, Stacks, on_cpu
from augment.indexing import take_images

Factory = Callable[..., Augmentation]


@dataclass(frozen=True)
class Sequential(Augmentation):
    """Apply the ops `links` in order; `0.top` is the parameter `top` of the first one."""

    links: tuple[Augmentation, ...]

    @property
    def takes_bytes(self) -> bool:  # type: ignore[override]
        """Whether every link takes uint8."""
        return all(link.takes_bytes for link in self.links)

    def evaluation(self) -> Augmentation:
        """Return the chain of what the links are at test time."""
        return chain(link.evaluation() for link in self.links)

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the size after the last link."""
        for link in self.links:
            height, width = link.output_size(height, width)
        return height, width

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the size to render at, walking back from the last link."""
        for link in reversed(self.links):
            height, width = link.input_size(height, width)
        return height, width

    def _draw(self, shape: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        params: dict[str, Tensor] = {}
        for index, link in enumerate(self.links):
            params |= _prefixed(index, link.draw(shape, generator))
            shape = (*shape[:2], *link.output_size(shape[2], shape[3]))
        return params

    def apply_to_stacks(self, stacks: Stacks, params: Params) -> Tensor:
        """Let the first link take the stacks."""
        return self._apply_links(self.links[0].apply_to_stacks(stacks, _of_link(0, params)), params, first=1)

    def _apply(self, images: Tensor, params: Params) -> Tensor:
        return self._apply_links(images, params)

    def _apply_links(self, images: Tensor, params: Params, first: int = 0) -> Tensor:
        for number, link in enumerate(self.links[first:], start=first):
            images = link.apply(images, _of_link(number, params))
        return images


@dataclass(frozen=True)
class OneOf(Augmentation):
    """Apply one of the ops `branches`, all of one size, to each image, equally likely; at test time the first."""

    branches: tuple[Augmentation, ...]

    @property
    def takes_bytes(self) -> bool:  # type: ignore[override]
        """Whether every branch takes uint8."""
        return all(branch.takes_bytes for branch in self.branches)

    def evaluation(self) -> Augmentation:
        """Return what the first branch is at test time."""
        return self.branches[0].evaluation()

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the size that all branches agree on."""
        return self._agreed("output", {branch.output_size(height, width) for branch in self.branches})

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the size to render at that all branches agree on."""
        return self._agreed("input", {branch.input_size(height, width) for branch in self.branches})

    def _agreed(self, which: str, sizes: set[tuple[int, int]]) -> tuple[int, int]:
        if len(sizes) != 1:
            raise ValueError(f"branches of a choice must have one {which} size, got {sorted(sizes)}")
        return next(iter(sizes))

    def _draw(self, shape: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        params = {"choice": torch.randint(len(self.branches), (shape[0],), generator=generator)}
        for index, branch in enumerate(self.branches):
            params |= _prefixed(index, branch.draw(shape, generator))
        return params

    def _apply(self, images: Tensor, params: Params) -> Tensor:
        if not on_cpu(images):
            return self._apply_everywhere(images, params)
        parts = []
        order = params["choice"].argsort()
        counts = params["choice"].bincount(minlength=len(self.branches)).tolist()
        for branch, index in enumerate(order.split(counts)):
            some = {name: value.index_select(0, index) for name, value in _of_link(branch, params).items()}
            if len(index):
                parts.append(self.branches[branch].apply(take_images(images, index), some))
        return take_images(torch.cat(parts), order.argsort())

    def _apply_everywhere(self, images: Tensor, params: Params) -> Tensor:
        """Run every branch on every image and select: the host need not wait for the counts."""
        choice = params["choice"][:, None, None, None]
        out = self.branches[0].apply(images, _of_link(0, params))
        for index, branch in enumerate(self.branches[1:], start=1):
            out = torch.where(choice == index, branch.apply(images, _of_link(index, params)), out)
        return out


def chain(ops: Iterable[Augmentation]) -> Augmentation:
    """Join ops in order, leaving out those that do nothing; a chain of one is that op."""
    links = tuple(op for op in ops if not isinstance(op, Identity))
    if not links:
        return Identity()
    return links[0] if len(links) == 1 else Sequential(links)


def split_at_float(op: Augmentation) -> tuple[Augmentation, Augmentation]:
    """Cut a chain into the leading links that take uint8 and the rest, from where float images are necessary.

    Examples:
        >>> from augment import make
        >>> split_at_float(make("crop+grayscale"))
        (Crop(size=84, ratio=1.1904761904761905, centered=False), Grayscale(p=0.3))
    """
    links = op.links if isinstance(op, Sequential) else (op,)
    cut = next((i for i, link in enumerate(links) if not link.takes_bytes), len(links))
    return chain(links[:cut]), chain(links[cut:])


def build(spec: str, size: int, registry: Mapping[str, Factory]) -> Augmentation:
    """Build the chain that `spec` describes so that its output is `size` x `size`."""
    if size < 1:
        raise ValueError(f"size must be at least 1, got {size}")
    links: list[Augmentation] = []
    for branches in reversed(parse(spec, registry)):
        ops = tuple(_make_op(registry[name], options, size) for name, options in branches)
        links.insert(0, ops[0] if len(ops) == 1 else OneOf(ops))
        size = links[0].input_size(size, size)[0]
    return chain(links)


def parse(spec: str, registry: Mapping[str, Factory]) -> list[list[tuple[str, dict[str, object]]]]:
    """Read `a+b:key=value/c` as links of branches of (name, options)."""
    links = [split_outside_quotes(link, "/") for link in split_outside_quotes(spec, "+")]
    return [[_parse_branch(text, spec, registry) for text in branches] for branches in links]


def split_outside_quotes(text: str, separator: str) -> list[str]:
    """Split at a separator, except inside single or double quotes, which a file name may need."""
    parts, quote = [""], ""
    for character in text:
        if character in "'\"" and quote in ("", character):
            quote = "" if quote else character
        if character == separator and not quote:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _make_op(factory: Factory, options: dict[str, object], size: int) -> Augmentation:
    sized = {"size": size} if "size" in _parameters(factory) else {}
    return factory(**sized, **options)


def _parse_branch(text: str, spec: str, registry: Mapping[str, Factory]) -> tuple[str, dict[str, object]]:
    name, *pairs = split_outside_quotes(text, ":")
    if not name:
        raise ValueError(f"augmentation {spec!r} has an empty link; known: {', '.join(registry)}")
    if name not in registry:
        raise ValueError(f"unknown augmentation {name!r}; known: {', '.join(registry)}")
    return name, _options(name, pairs, registry[name])


def _options(name: str, pairs: Sequence[str], factory: Factory) -> dict[str, object]:
    kinds = {key: p.annotation for key, p in _parameters(factory).items() if key != "size" and p.annotation in _READERS}
    options: dict[str, object] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"{name}: option must be key=value, got {pair!r}")
        if key not in kinds:
            raise ValueError(f"{name}: unknown option {key!r}; known: {', '.join(kinds) or 'no options'}")
        if key in options:
            raise ValueError(f"{name}: option {key!r} is given twice")
        read, words = _READERS[kinds[key]]
        try:
            options[key] = read(value)
        except (KeyError, ValueError):
            raise ValueError(f"{name}: option {key} must be {words}, got {value!r}") from None
    return options


def _parameters(factory: Factory) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(factory, eval_str=True).parameters


_READERS: dict[type, tuple[Callable[[str], object], str]] = {
    int: (int, "a whole number"),
    float: (float, "a number"),
    bool: ({"true": True, "false": False}.__getitem__, "true or false"),
    str: (lambda text: text.strip("'\""), "text"),
}


def _prefixed(index: int, params: Params) -> dict[str, Tensor]:
    return {f"{index}.{name}": value for name, value in params.items()}


def _of_link(index: int, params: Params) -> dict[str, Tensor]:
    prefix = f"{index}."
    return {name[len(prefix) :]: value for name, value in params.items() if name.startswith(prefix)}
