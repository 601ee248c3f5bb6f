"""Whether torch.compile is tracing, in every version of torch from 2.2."""

from __future__ import annotations

import torch

__all__ = ["is_compiling"]

#: ``torch.compiler.is_compiling`` came with torch 2.3; before, the tracer knew this one by its identity.
is_compiling = getattr(torch.compiler, "is_compiling", None) or torch._utils.is_compiling
