"""A CUDA device that is not there: tensors on it have shape, type and place, but no values and no driver.

What reads a value on the host (`.item()`, `bool()`), has a shape that depends on values (`nonzero`, a mask) or mixes
devices raises there. A backward pass, which needs a driver, is replaced: the parameters that a loss reaches get
gradients, but the formulas of autograd are not run. Numbers in the memory of the host may be read, as zeros, and are
equal to each other.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

CARD = torch.device("cuda:0")
aten = torch.ops.aten


class Traffic(TorchDispatchMode):
    """Count copies between host and card; and let the host read and draw what lies in its own memory.

    Attributes:
        uploads: copies from the host to the card.
        blocking: those of them that the host waits for, wherever they come from.
        downloads: copies from the card to the host, each of which makes the host wait.
    """

    def __init__(self) -> None:
        super().__init__()
        self.reset()

    def reset(self) -> None:
        self.uploads = self.blocking = self.downloads = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func is aten._local_scalar_dense.default and args[0].device.type == "cpu":
            return 0.0 if args[0].is_floating_point() else 0
        if func is aten.equal.default and {value.device.type for value in args} == {"cpu"}:
            return True
        if func is aten.exponential_.default:
            kwargs.pop("generator", None)  # a fake draw takes none
        self._count(func, args, kwargs)
        return func(*args, **kwargs)

    def _count(self, func: Any, args: Any, kwargs: Any) -> None:
        if func is aten._to_copy.default and kwargs.get("device") is not None:
            source, target = args[0].device, torch.device(kwargs["device"])
            waits = not kwargs.get("non_blocking")
        elif func is aten.copy_.default:
            source, target = args[1].device, args[0].device
            waits = not (args[2:] or [kwargs.get("non_blocking")])[0]
        else:
            return
        self.uploads += (source.type, target.type) == ("cpu", "cuda")
        self.blocking += waits and (source.type, target.type) == ("cpu", "cuda")
        self.downloads += (source.type, target.type) == ("cuda", "cpu")


@contextmanager
def fake_card() -> Iterator[Traffic]:
    """Let `cuda:0` be a fake device; everything that is made inside is fake, on the CPU too.

    Nothing that outlives the block may be made in it: pictures of `overlay`, which are kept, are made before.
    """
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nn.Module, "_apply", _apply)
        patch.setattr(Tensor, "backward", _backward)
        patch.setattr(FakeTensor, "numpy", _numpy, raising=False)
        patch.setattr(FakeTensor, "__deepcopy__", _deepcopy, raising=False)
        patch.setattr(torch.cuda.amp.common, "amp_definitely_not_available", lambda: False)
        patch.setattr(torch.cuda, "is_bf16_supported", lambda *_, **__: True)
        with mode, Traffic() as traffic:
            yield traffic


def _apply(module: nn.Module, change: Callable[[Tensor], Tensor], recurse: bool = True) -> nn.Module:
    """Do what `to` and `to_empty` of a module do with new parameters: a fake one cannot change its device in place."""
    for part in module.modules():
        for name, value in part._parameters.items():
            if value is not None:
                part._parameters[name] = nn.Parameter(change(value.detach()), value.requires_grad)
        for name, value in part._buffers.items():
            part._buffers[name] = None if value is None else change(value)
    return module


def _backward(loss: Tensor) -> None:
    """Give every parameter that a loss depends on a gradient, as `backward` does."""
    assert loss.dim() == 0 and loss.grad_fn is not None
    waiting, seen = [loss.grad_fn], set()
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            node.variable.grad = torch.empty_like(node.variable)
        waiting += [following for following, _ in node.next_functions if following is not None]


def _deepcopy(tensor: Tensor, memo: dict[int, Any]) -> Tensor:
    """Copy a tensor that has no memory, where torch's own copy looks at the address."""
    copied = tensor.detach().clone().requires_grad_(tensor.requires_grad)
    memo[id(tensor)] = nn.Parameter(copied, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else copied
    return memo[id(tensor)]


def _numpy(tensor: Tensor) -> np.ndarray:
    """Return zeros for a tensor on the host; torch's error for one on the card."""
    if tensor.device.type != "cpu":
        raise TypeError(f"can't convert {tensor.device} device type tensor to numpy. Use Tensor.cpu() first")
    return np.zeros(tuple(tensor.shape), np.dtype(str(tensor.dtype).removeprefix("torch.")))
