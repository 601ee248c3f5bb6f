"""All outputs of a symmetry-breaking set from one forward pass per S-orbit of objects."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from e3nn import o3
from torch import Tensor, nn

from sbs.errors import NetworkInputError
from sbs.groups.abstract.validation import check_bool, shown
from sbs.nn.breaker import SymmetryBreaker
from sbs.nn.checks import check_tensors, plain_irreps
from sbs.nn.choice import fields_of
from sbs.nn.host.equal import field_irreps, found_permutations, suspicions
from sbs.nn.host.orientation import OrientationWarning
from sbs.nn.learned import LearnedOrbit
from sbs.sets.minimal_set import MinimalSet
from sbs.sets.sites import SITE_TOLERANCE
from sbs.sets.transport import (
    Images,
    OutputPlan,
    Transport,
    carried_by,
    check_components,
    images_under,
    node_permutations,
    plan_outputs,
    rotation_given,
    telling_object,
)

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
    check_tensors(True, outputs=outputs)
    if outputs.ndim not in (2, 3) or not outputs.is_floating_point():
        raise NetworkInputError(
            f"outputs has shape {tuple(outputs.shape)} and dtype {outputs.dtype}; expected (num_sites, dim), floating point."
        )
    check_components(outputs.shape[-1], irreps, "irreps_out")
    return apply_images(outputs, images_under(irreps, matrices, permutations))


def apply_images(outputs: Tensor, images: Images) -> Tensor:
    """``images`` of outputs (num_sites, dim) or (m, num_sites, dim): (m, num_sites, dim), differentiable."""
    action = torch.tensor(images.action, dtype=outputs.dtype, device=outputs.device)
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
    sources = torch.tensor(images.sources, device=outputs.device)
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


# Relative difference of a transported and a directly evaluated output that tells them apart: networks with coupling
# constants in float32 keep 1e-6 in any dtype, outputs that vanish by symmetry are rounding alone.
_AGREEMENT = {torch.float64: 1e-5, torch.float32: 1e-3}
_COARSE_AGREEMENT = 5e-2
_ROUNDINGS = 1e3


def all_outputs(
    model: nn.Module | Callable[[Any, int], Tensor],
    inputs: Any,
    symmetry_set: MinimalSet | LearnedOrbit,
    *,
    permutations: npt.ArrayLike | Literal["find"] | None = "find",
    species: npt.ArrayLike | None = None,
    tolerance: float = SITE_TOLERANCE,
    irreps_out: o3.Irreps | str | None = None,
    rotation: npt.ArrayLike | None = None,
    select: Callable[[Any], Tensor] | None = None,
    prepared: Transport | None = None,
    check: bool = True,
) -> Tensor:
    """The output for every object of the set, from one forward pass per S-orbit (``symmetry_set.degeneracy``
    of them), and one more to check.

    For g in S, f(x, g b) = g f(x, b), because g x = x up to the permutation of equal sites: the output of the
    representative is turned and its sites are permuted.

    Args:
        model: a model with one breaker (built or attached), called ``model(inputs)`` for one graph; or any ``(inputs,
            object number) -> output``.
        inputs: of one structure, symmetric under S.
        symmetry_set: in the orientation of the breaker's set; or the orbit of a `LearnedBreaker`.
        permutations: (order of S, num_sites) from `site_permutations`, rows in the order of
            ``symmetry_set.group.matrices``; None where the output is of the whole graph, shape (1, dim). By default
            they are those of a set of fields, or are found from the inputs' "pos" or "positions" (and "cell"); sites are
            equal if everything that the inputs say of them under the usual names is: species, atomic numbers, attributes, the
            invariants of input features.
        species: (num_sites,), for finding permutations: only equal sites are exchanged.
        tolerance: Å, for finding permutations.
        irreps_out: of the output; by default ``model.irreps_out``.
        rotation: (3, 3), where the input is turned by R from the set's orientation: the breaker gets it, and S is
            turned too. ``permutations`` stay what they are. `sbs.nn.orientation` finds it.
        select: takes the tensor (num_sites, dim) from what the model returns.
        prepared: ``transport(symmetry_set)``, to save time in repeated calls.
        check: evaluate one more object directly and compare: what no site shows (edges, a field) may break S. Where the
            inputs have something that elements of S change, one more for each such thing.

    Returns:
        (size, num_sites, dim): the output for object k in row k.

    Raises:
        NetworkInputError: if the model has no breaker with this set, the input is not symmetric under S (as far as the
            network sees it), irreps or shapes do not fit.
        InfiniteSetError: if the set is infinite.
    """
    if not isinstance(symmetry_set, (MinimalSet, LearnedOrbit)):
        raise NetworkInputError(f"symmetry_set is {shown(symmetry_set)}; expected a set, as sbs.minimal_set returns it.")
    if not callable(model) or not (select is None or callable(select)):
        raise NetworkInputError(
            f"model is {shown(model)}, select {shown(select)}; expected a model or a function (inputs, object) -> output, and "
            "a function of what the model returns."
        )
    check = check_bool(check, "check")
    carried = carried_by(prepared, symmetry_set)
    if irreps_out is None:
        irreps_out = getattr(model, "irreps_out", None) or getattr(model, "irreps_node_output", None)
        if irreps_out is None:
            raise NetworkInputError("The model does not tell the irreps of its output; pass irreps_out=.")
    irreps = plain_irreps(irreps_out, "irreps_out")
    turn = None if rotation is None else rotation_given(rotation)
    raw = _evaluator(model, symmetry_set, turn) if isinstance(model, nn.Module) else model

    def evaluate(number: int) -> Tensor:
        output = raw(inputs, number)
        output = select(output) if select is not None else output
        check_tensors(output=output if isinstance(output, Tensor) else None)
        if not isinstance(output, Tensor) or output.ndim != 2:
            raise NetworkInputError(
                f"The model returned {type(output).__name__} of shape {tuple(getattr(output, 'shape', ()))}; "
                "expected (num_sites, dim): pass select=."
            )
        check_components(output.shape[-1], irreps, "irreps_out")
        return output

    with warnings.catch_warnings():
        if isinstance(permutations, str):
            # Positions that are not symmetric are refused below.
            warnings.simplefilter("ignore", OrientationWarning)
        results = [evaluate(number) for number in carried.representatives.tolist()]
    moves, pooled = permutations, False
    if isinstance(moves, str) and carried.permutations is not None:
        # Fields on the sites of a crystal: its own elements say how sites are permuted.
        moves, pooled = _of_nodes(carried.permutations, fields_of(inputs).sites), len(results[0]) == 1
    elif isinstance(moves, str):
        moves, pooled = found_permutations(
            inputs, carried.matrices, turn, len(results[0]), species, tolerance, field_irreps(model)
        )
    if moves is None and len(results[0]) != 1:
        raise NetworkInputError(
            f"permutations=None is for outputs of the whole graph, this one has {len(results[0])} rows; leave permutations out, "
            "or give those of sbs.nn.site_permutations."
        )
    planned = plan_outputs(carried, irreps, None if pooled else moves, turn)
    stacked = results[0]
    if len(results) > 1:
        stacked = torch.stack(results)[torch.tensor(planned.orbit, device=results[0].device)]
    found = apply_images(stacked, planned.images)
    if check:
        # Not under no_grad: a model may differentiate its energy.
        for number in telling_objects(planned, carried, inputs, moves, turn):
            _compare(found[number].detach(), evaluate(number).detach(), number, symmetry_set)
    return found


def _of_nodes(permutations: npt.NDArray[np.int64], sites: Tensor | None) -> npt.NDArray[np.int64]:
    return permutations if sites is None else node_permutations(permutations, sites.detach().cpu().numpy())


def telling_objects(
    planned: OutputPlan, carried: Transport, inputs: Any, moves: npt.ArrayLike | None, turn: npt.NDArray[np.float64] | None
) -> list[int]:
    """Objects whose outputs would tell that a part of S is not there, as far as the inputs let one suspect it.

    The first is that whose element moves most sites and turns farthest; then, for each field of sites or edges that elements
    of S change, that whose element changes most of it.
    """
    first = telling_object(planned, carried)
    if first is None:
        return []
    found = [first]
    if moves is not None:
        others = np.flatnonzero(carried.representative != np.arange(len(carried.representative)))
        elements = carried.element[others]
        matrices = carried.matrices[elements] if turn is None else turn @ carried.matrices[elements] @ turn.T
        found += [int(others[each.argmax()]) for each in suspicions(inputs, matrices, np.asarray(moves)[elements])]
    return list(dict.fromkeys(found))


def _compare(found: Tensor, direct: Tensor, number: int, symmetry_set: Any) -> None:
    scale = float(torch.maximum(found.abs().max(), direct.abs().max()))
    off = float((found - direct).abs().max())
    relative = _AGREEMENT.get(direct.dtype, _COARSE_AGREEMENT)
    if off <= max(relative * scale, _ROUNDINGS * torch.finfo(direct.dtype).eps):
        return
    raise NetworkInputError(
        f"The output for object {number} is not what {symmetry_set.group.symbol} makes of another object's output: it differs "
        f"by {off:.1e}, at outputs of {scale:.1e}. Something that the network sees has not this symmetry (edges, attributes, "
        "fields, a wrong rotation), or the network draws at random or is not equivariant. Remove what breaks it; "
        "check=False returns the outputs all the same."
    )


def _evaluator(model: nn.Module, symmetry_set: Any, turn: np.ndarray | None) -> Callable[[Any, int], Any]:
    breaker = find_breaker(model)
    which = breaker.number_of(symmetry_set)

    def evaluate(inputs: Any, number: int) -> Any:
        index = torch.tensor([number], device=breaker.device)
        chosen = torch.tensor([which], device=breaker.device)
        rotations = None
        if turn is not None:
            rotations = torch.tensor(turn, device=breaker.device)[None]
        with breaker.choose(index, set_index=chosen, rotations=rotations):
            return model(inputs)

    return evaluate
