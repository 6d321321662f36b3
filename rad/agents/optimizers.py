"""How weights move: gradient steps, target averages, and optimizer states that survive a resume."""

import functools
import inspect

import torch
from torch import Tensor, nn

from rad.types import ALONE, Ranks


class _Uncompiled(torch.optim.Optimizer):
    """An optimizer without torch's compiler, which the first call of these methods would import.

    That import takes as long as that of torch itself. The wrappers removed here only protect code from being compiled.
    """

    add_param_group = inspect.unwrap(torch.optim.Optimizer.add_param_group)
    zero_grad = inspect.unwrap(torch.optim.Optimizer.zero_grad)
    state_dict = inspect.unwrap(torch.optim.Optimizer.state_dict)
    load_state_dict = inspect.unwrap(torch.optim.Optimizer.load_state_dict)


class Adam(_Uncompiled, torch.optim.Adam):
    """torch's Adam without its compiler, to be used with fused=True.

    A fused step counts on the device and can be recorded in a CUDA graph as it is; torch asks for capturable=True,
    which a checkpoint of the CPU would turn off.
    """

    step = torch.no_grad()(inspect.unwrap(torch.optim.Adam.step))

    def _accelerator_graph_capture_health_check(self) -> None:
        pass

    _cuda_graph_capture_health_check = _accelerator_graph_capture_health_check  # before torch 2.12


class RMSprop(_Uncompiled, torch.optim.RMSprop):
    """torch's RMSprop without its compiler."""

    step = torch.no_grad()(inspect.unwrap(torch.optim.RMSprop.step))


def step(optimizer: torch.optim.Optimizer, *losses: Tensor) -> None:
    """Take one step down the gradient of the sum of `losses`, 0-d tensors."""
    optimizer.zero_grad(set_to_none=True)
    functools.reduce(torch.add, losses).backward()
    optimizer.step()


def clipped_step(
    optimizer: torch.optim.Optimizer, max_grad_norm: float, *losses: Tensor, ranks: Ranks = ALONE
) -> Tensor:
    """Step like `step`, the gradient scaled down to `max_grad_norm` if longer; return its length before, 0-d.

    The gradient is the mean of those of all ranks: of the mean loss, if their batches are of one size.
    """
    optimizer.zero_grad(set_to_none=True)
    functools.reduce(torch.add, losses).backward()
    parameters = [value for group in optimizer.param_groups for value in group["params"]]
    ranks.mean_([value.grad for value in parameters if value.grad is not None])
    norm = nn.utils.clip_grad_norm_(parameters, max_grad_norm)
    optimizer.step()
    return norm


def grad_norm(module: nn.Module) -> Tensor:
    """Return the length of the gradient that the last step left in a module's parameters, 0-d."""
    return nn.utils.get_total_norm([value.grad for value in module.parameters() if value.grad is not None])


def copy_optimizer_state(optimizer: torch.optim.Optimizer) -> None:
    """Copy the moments that were loaded, in the memory layout of their parameters.

    The fused step walks parameter and moments in the order of memory: a contiguous moment of channels-last
    weights would silently be read in another order than it was written.
    """
    for parameter, moments in optimizer.state.items():
        for name, value in moments.items():
            layout = parameter if value.shape == parameter.shape else value
            moments[name] = torch.empty_like(layout, requires_grad=False).copy_(value)


@torch.no_grad()
def soft_update(source: nn.Module, target: nn.Module, tau: float) -> None:
    """Move the target's parameters toward the source's: theta' <- theta' + tau (theta - theta')."""
    torch._foreach_lerp_(list(target.parameters()), list(source.parameters()), tau)
