"""All outputs of a symmetry-breaking set from one forward pass per S-orbit of objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from e3nn import o3
from torch import Tensor, nn

from sbs.errors import NetworkInputError
from sbs.nn.breaker import SymmetryBreaker
from sbs.nn.checks import plain_irreps
from sbs.sets.minimal_set import MinimalSet
from sbs.sets.sites import SITE_TOLERANCE, site_permutations
from sbs.sets.transport import Images, Transport, check_components, images_under, plan_outputs, transport

__all__ = ["all_outputs", "apply_images", "find_breaker", "turn_outputs"]

def turn_outputs(
    outputs: Tensor,
    irreps: o3.Irreps | str,
    matrices: npt.ArrayLike,
    permutations: npt.ArrayLike | None = None,
) -> Tensor:
    """Images of an output under group elements: site i's features D(g) y_i arrive at site p[g, i].

    Args:
        outputs: (num_sites, dim), or (m, num_sites, dim) with one output per element.
        matrices: (m, 3, 3). permutations: (m, num_sites), or None for outputs of the whole graph, which are not moved.

    Returns:
        (m, num_sites, dim), dtype and device of ``outputs``; differentiable.
    """
    irreps = plain_irreps(irreps, "irreps_out")
    check_components(outputs.shape[-1], irreps, "irreps_out")
    return apply_images(outputs, images_under(irreps, matrices, permutations))


def apply_images(outputs: Tensor, images: Images) -> Tensor:
    """``images`` of outputs (num_sites, dim) or (m, num_sites, dim): (m, num_sites, dim), differentiable."""
    action = torch.as_tensor(images.action, dtype=outputs.dtype, device=outputs.device)
    stacked = outputs.expand(len(action), -1, -1) if outputs.ndim == 2 else outputs
    turned = stacked @ action.transpose(1, 2)
    if images.sources is None:
        return turned
    if images.sources.shape != turned.shape[:2]:
        raise NetworkInputError(
            f"permutations has shape {images.sources.shape}; expected one row per element and one column per site: "
            f"{tuple(turned.shape[:2])}."
        )
    # Gathering by the inverse permutation is differentiable and deterministic on every device.
    sources = torch.as_tensor(images.sources, device=outputs.device)
    return torch.gather(turned, 1, sources[:, :, None].expand_as(turned))


def find_breaker(model: nn.Module) -> SymmetryBreaker:
    """The only SymmetryBreaker among the modules of ``model``.

    Raises:
        NetworkInputError: if there is none, or several.
    """
    found = [module for module in model.modules() if isinstance(module, SymmetryBreaker)]
    if len(found) != 1:
        raise NetworkInputError(
            f"The model holds {len(found)} symmetry breakers, expected one; build it with sbs.nn.build or "
            "attach one with sbs.nn.attach."
        )
    return found[0]


def all_outputs(
    model: nn.Module | Callable[[Any, int], Tensor],
    inputs: Any,
    symmetry_set: MinimalSet,
    *,
    permutations: npt.ArrayLike | Literal["find"] | None = "find",
    species: npt.ArrayLike | None = None,
    tolerance: float = SITE_TOLERANCE,
    irreps_out: o3.Irreps | str | None = None,
    rotation: npt.ArrayLike | None = None,
    select: Callable[[Any], Tensor] | None = None,
    prepared: Transport | None = None,
) -> Tensor:
    """The output for every object of the set, from one forward pass per S-orbit (``symmetry_set.degeneracy``
    of them).

    For g in S, f(x, g b) = g f(x, b), because g x = x up to the permutation of equal sites: the output of the
    representative is turned and its sites are permuted.

    Args:
        model: a model with one breaker (built or attached), called ``model(inputs)`` for one graph; or any ``(inputs,
            object number) -> output``.
        inputs: of one structure, symmetric under S.
        symmetry_set: in the orientation of the breaker's set.
        permutations: (order of S, num_sites) from `site_permutations`, rows in the order of
            ``symmetry_set.group.matrices``; None where the output is of the whole graph, shape (1, dim). By default
            they are found from the inputs' "pos" or "positions" (and "cell" and "species", where there are such).
        species: (num_sites,), for finding permutations: only equal sites are exchanged.
        tolerance: Å, for finding permutations.
        irreps_out: of the output; by default ``model.irreps_out``.
        rotation: (3, 3), where the input is turned by R from the set's orientation: the breaker gets it, and S is
            turned too. ``permutations`` stay what they are.
        select: takes the tensor (num_sites, dim) from what the model returns.
        prepared: ``transport(symmetry_set)``, to save time in repeated calls.

    Returns:
        (size, num_sites, dim): the output for object k in row k.

    Raises:
        NetworkInputError: if the model has no breaker with this set, the input is not symmetric under S, irreps or
            shapes do not fit.
        InfiniteSetError: if the set is infinite.
    """
    plan = prepared if prepared is not None else transport(symmetry_set)
    if irreps_out is None:
        irreps_out = getattr(model, "irreps_out", None) or getattr(model, "irreps_node_output", None)
        if irreps_out is None:
            raise NetworkInputError("The model does not tell the irreps of its output; pass irreps_out=.")
    turn = None if rotation is None else np.asarray(rotation, dtype=np.float64)
    evaluate = _evaluator(model, symmetry_set, turn) if isinstance(model, nn.Module) else model
    results = []
    for number in plan.representatives.tolist():
        output = evaluate(inputs, number)
        output = select(output) if select is not None else output
        if not isinstance(output, Tensor) or output.ndim != 2:
            raise NetworkInputError(
                f"The model returned {type(output).__name__} of shape {tuple(getattr(output, 'shape', ()))}; "
                "expected (num_sites, dim): pass select=."
            )
        results.append(output)
    if isinstance(permutations, str):
        group = plan.matrices if turn is None else turn @ plan.matrices @ turn.T
        permutations = _found_permutations(inputs, group, len(results[0]), species, tolerance)
    planned = plan_outputs(plan, plain_irreps(irreps_out, "irreps_out"), permutations, turn)
    check_components(results[0].shape[-1], plain_irreps(irreps_out, "irreps_out"), "irreps_out")
    stacked = results[0]
    if len(results) > 1:
        stacked = torch.stack(results)[torch.as_tensor(planned.orbit, device=results[0].device)]
    return apply_images(stacked, planned.images)


def _found_permutations(
    inputs: Any, group: np.ndarray, rows: int, species: npt.ArrayLike | None, tolerance: float
) -> np.ndarray | None:
    """Permutations of the sites in ``inputs``, or None if the output is of the whole graph."""
    read = inputs.get if isinstance(inputs, Mapping) else lambda name: getattr(inputs, name, None)

    def first(*names: str) -> Any:
        return next((read(name) for name in names if read(name) is not None), None)

    positions = first("pos", "positions")
    if positions is None:
        raise NetworkInputError(
            "The inputs have no 'pos' or 'positions' to find site permutations from; pass permutations=, "
            "from sbs.nn.site_permutations, or None if the output is of the whole graph."
        )
    sites = _array(positions)
    if rows == 1 and len(sites) != 1:
        return None
    if rows != len(sites):
        raise NetworkInputError(f"The output has {rows} rows, the input {len(sites)} sites; pass permutations=.")
    cell = first("cell")
    kinds = species if species is not None else first("species", "atomic_numbers")
    return site_permutations(
        sites,
        group,
        species=None if kinds is None else _array(kinds),
        cell=None if cell is None else _array(cell).reshape(3, 3),
        tolerance=tolerance,
    )


def _array(values: Any) -> np.ndarray:
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)


def _evaluator(model: nn.Module, symmetry_set: MinimalSet, turn: np.ndarray | None) -> Callable[[Any, int], Any]:
    breaker = find_breaker(model)
    if symmetry_set not in breaker.sets:
        raise NetworkInputError(
            f"The model's breaker holds {[repr(each) for each in breaker.sets]}, not {symmetry_set!r}; pass "
            "the breaker's set."
        )
    which = breaker.sets.index(symmetry_set)

    def evaluate(inputs: Any, number: int) -> Any:
        index = torch.tensor([number], device=breaker.device)
        chosen = torch.tensor([which], device=breaker.device)
        rotations = None
        if turn is not None:
            rotations = torch.as_tensor(turn, dtype=torch.float64, device=breaker.device)[None]
        with breaker.choose(index, set_index=chosen, rotations=rotations):
            return model(inputs)

    return evaluate
