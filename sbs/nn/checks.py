"""Checks of what a user passes in: shapes and dtypes always, values where reading them is free."""

from __future__ import annotations

import torch
from e3nn import o3
from torch import Tensor

from sbs.errors import NetworkInputError
from sbs.groups.abstract.validation import shown
from sbs.nn.compiling import is_compiling, is_transformed
from sbs.sets.minimal_set import MinimalSet

__all__ = [
    "as_irreps",
    "check_batch",
    "check_choice",
    "check_dtype",
    "check_kind",
    "check_like",
    "check_number",
    "check_rotations",
    "check_sets",
    "check_tensors",
    "determinant",
    "plain_irreps",
    "readable",
]

# Largest allowed entry of R^T R - 1, by the dtype of R: several roundings of a product of rotations.
ORTHOGONALITY_TOLERANCE = {torch.float64: 1e-6, torch.float32: 1e-4}


def as_irreps(irreps: object, name: str) -> o3.Irreps:
    """Read e3nn irreps.

    Raises:
        NetworkInputError: if the text or object is none.
    """
    try:
        return o3.Irreps(irreps)
    except Exception as error:
        raise NetworkInputError(
            f"{name}={shown(irreps)} is not e3nn notation for irreps; write for example '8x0e + 4x1o + 2x2e'."
        ) from error


def plain_irreps(irreps: object, name: str) -> str:
    """Irreps in the notation of `sbs.objects.irreps`, without terms of multiplicity zero.

    Raises:
        NetworkInputError: if the text or object is none, or has no component.
    """
    terms = [f"{mul}x{ir}" for mul, ir in as_irreps(irreps, name) if mul]
    if not terms:
        raise NetworkInputError(f"{name}={irreps!r} has no component; write for example '1x1o'.")
    return "+".join(terms)


def check_tensors(needed: bool = False, **given: object) -> None:
    """Raise NetworkInputError unless each is a dense tensor of real numbers, or None where it is not needed."""
    for name, value in given.items():
        if value is None and not needed:
            continue
        if not isinstance(value, Tensor):
            raise NetworkInputError(f"{name} is {shown(value)}; expected a torch.Tensor: torch.as_tensor(...) makes one.")
        if value.layout != torch.strided or value.is_complex():
            raise NetworkInputError(
                f"{name} is a tensor of {value.dtype} in layout {value.layout}; expected a dense one of real numbers."
            )


def check_number(value: object, name: str) -> None:
    """Raise NetworkInputError unless it is a non-negative number of graphs, or None."""
    if value is None or (isinstance(value, (int, torch.SymInt)) and not isinstance(value, bool) and 0 <= value < 2**31):
        return
    raise NetworkInputError(f"{name} is {shown(value)}; expected a non-negative integer.")


def check_kind(value: object, kind: type, name: str) -> None:
    """Raise NetworkInputError unless a value is of a class."""
    if not isinstance(value, kind):
        raise NetworkInputError(f"{name} is {shown(value)}; expected a {kind.__name__}.")


def check_dtype(value: object) -> None:
    """Raise NetworkInputError unless it is a floating-point dtype, or None."""
    if value is not None and not (isinstance(value, torch.dtype) and value.is_floating_point):
        raise NetworkInputError(f"dtype is {shown(value)}; expected a floating-point one such as torch.float32.")


def check_sets(given: object) -> tuple[MinimalSet, ...]:
    """Symmetry-breaking sets as a tuple.

    Raises:
        NetworkInputError: one is none, or there is none.
    """
    sets = (given,) if isinstance(given, MinimalSet) else tuple(given) if isinstance(given, (list, tuple)) else None
    if sets is None or not all(isinstance(each, MinimalSet) for each in sets):
        raise NetworkInputError(f"sets is {shown(given)}; expected sbs.minimal_set(...) or a list of such sets.")
    if not sets:
        raise NetworkInputError("No set was given; pass sbs.minimal_set(...) or a sequence of such sets.")
    return sets


def readable(values: Tensor) -> bool:
    """True where values can be checked without a host synchronisation, a break in a compiled graph or a torch.func transform."""
    return values.device.type == "cpu" and not is_compiling() and not is_transformed(values)


def check_like(given: Tensor, device: torch.device, name: str, dtype: torch.dtype | None = None) -> None:
    """Raise NetworkInputError unless ``given`` lies on ``device`` (and has ``dtype``)."""
    if given.device != device:
        raise NetworkInputError(
            f"{name} is on {given.device}, the breaker on {device}; move one of them with .to(...)."
        )
    if dtype is not None and given.dtype != dtype:
        raise NetworkInputError(
            f"{name} has dtype {given.dtype}, the breaker {dtype}; cast one of them, for example with "
            f"breaker.to({given.dtype})."
        )


def check_batch(batch: Tensor, num_graphs: int, device: torch.device) -> None:
    """Raise NetworkInputError unless ``batch`` (num_nodes,) numbers the graphs 0..num_graphs-1, none of them empty."""
    if batch.ndim != 1 or batch.dtype not in (torch.int64, torch.int32):
        raise NetworkInputError(
            f"batch has shape {tuple(batch.shape)} and dtype {batch.dtype}; expected one graph number per "
            "node: shape (num_nodes,), an integer dtype."
        )
    check_like(batch, device, "batch")
    if batch.shape[0] == 0 or num_graphs == 0:
        raise NetworkInputError(
            f"The batch is empty: {batch.shape[0]} nodes in {num_graphs} graphs; leave empty batches out "
            "before the network."
        )
    if not readable(batch):
        return
    low, high = int(batch.min()), int(batch.max())
    if low < 0 or high >= num_graphs:
        raise NetworkInputError(f"batch has graph numbers {low}..{high}; expected 0..{num_graphs - 1}.")
    counts = torch.bincount(batch, minlength=num_graphs)
    if bool((counts == 0).any()):
        empty = torch.nonzero(counts == 0).flatten().tolist()
        raise NetworkInputError(
            f"Graphs {empty[:8]} of {num_graphs} have no node; remove them, or correct num_graphs or batch."
        )


def check_choice(values: Tensor, limits: Tensor | int, num_graphs: int, device: torch.device, name: str) -> None:
    """Raise NetworkInputError unless ``values`` (num_graphs,) are integers in [0, limits)."""
    if values.ndim != 1 or values.shape[0] != num_graphs or values.dtype not in (torch.int64, torch.int32):
        raise NetworkInputError(
            f"{name} has shape {tuple(values.shape)} and dtype {values.dtype}; expected one integer per "
            f"graph: shape ({num_graphs},)."
        )
    check_like(values, device, name)
    if readable(values) and bool(((values < 0) | (values >= limits)).any()):
        bad = int(torch.nonzero((values < 0) | (values >= limits))[0])
        limit = int(limits) if isinstance(limits, int) else int(limits.reshape(-1)[bad % limits.numel()])
        raise NetworkInputError(
            f"{name}[{bad}] is {int(values[bad])}, out of range; this graph's choices are 0..{limit - 1}."
        )


def determinant(matrices: Tensor) -> Tensor:
    """Determinants of 3x3 matrices, shape (..., 3, 3) -> (...); the triple product of the rows."""
    return (matrices[..., 0, :] * torch.linalg.cross(matrices[..., 1, :], matrices[..., 2, :])).sum(-1)


def check_rotations(matrices: Tensor, num_graphs: int, device: torch.device) -> None:
    """Raise NetworkInputError unless ``matrices`` are (num_graphs, 3, 3) elements of O(3)."""
    if matrices.shape != (num_graphs, 3, 3) or not matrices.is_floating_point():
        raise NetworkInputError(
            f"rotations has shape {tuple(matrices.shape)} and dtype {matrices.dtype}; expected one "
            f"orthogonal 3x3 matrix per graph: shape ({num_graphs}, 3, 3), floating point."
        )
    check_like(matrices, device, "rotations")
    if not readable(matrices):
        return
    exact = matrices.detach().to(torch.float64)
    identity = torch.eye(3, dtype=torch.float64)
    deviation = (exact.transpose(1, 2) @ exact - identity).abs().amax(dim=(1, 2))
    tolerance = ORTHOGONALITY_TOLERANCE.get(matrices.dtype, 1e-2)
    worst = int(deviation.nan_to_num(torch.inf).argmax())
    if not bool(deviation[worst] <= tolerance):
        raise NetworkInputError(
            f"rotations[{worst}] is not orthogonal: R^T R differs from 1 by {float(deviation[worst]):.1e} "
            f"(allowed: {tolerance:.0e}, determinant {float(determinant(exact[worst])):.3f}); give matrices "
            "of O(3), R such that the input is R times the standard orientation."
        )
