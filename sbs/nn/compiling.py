"""Whether torch is tracing, in every version of torch from 2.2, and whether it recomputes or casts."""

from __future__ import annotations

from collections.abc import Callable

import torch

__all__ = ["autocasting", "is_compiling", "is_exporting", "is_transformed", "recomputing"]

#: ``torch.compiler.is_compiling`` came with torch 2.3; before, the tracer knew this one by its identity.
is_compiling = getattr(torch.compiler, "is_compiling", None) or torch._utils.is_compiling


def _never() -> bool:
    return False


#: ``torch.compiler.is_exporting`` came with torch 2.7; before, nothing tells an export from a compilation.
is_exporting: Callable[[], bool] = getattr(torch.compiler, "is_exporting", None) or _never


def is_transformed(values: torch.Tensor) -> bool:
    """Whether a tensor stands for others inside ``torch.func.vmap``, ``grad`` or ``jacrev``, and cannot be read."""
    return bool(torch._C._functorch.is_functorch_wrapped_tensor(values))


def recomputing() -> bool:
    """True inside a backward pass: there a forward pass is the repetition of a checkpointed one."""
    return torch._C._current_graph_task_id() != -1


def _takes_a_device() -> bool:
    try:
        torch.is_autocast_enabled("cpu")
    except TypeError:
        return False
    return True


#: torch 2.4 gave ``torch.is_autocast_enabled`` the device as an argument, and deprecated one function for each.
_TAKES_A_DEVICE = _takes_a_device()


def autocasting(device: torch.device) -> bool:
    """True inside ``torch.autocast`` for the device."""
    if _TAKES_A_DEVICE:
        return torch.is_autocast_enabled(device.type)
    return torch.is_autocast_cpu_enabled() if device.type == "cpu" else torch.is_autocast_enabled()
