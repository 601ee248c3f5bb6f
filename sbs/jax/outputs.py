"""All outputs of a symmetry-breaking set from one evaluation per S-orbit of objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy.typing as npt
from jax import Array

from sbs.errors import NetworkInputError
from sbs.groups.abstract.validation import check_bool, shown
from sbs.jax.checks import is_known, real
from sbs.objects.irreps import irreps_dim
from sbs.sets.minimal_set import MinimalSet
from sbs.sets.transport import (
    Images,
    Transport,
    carried_by,
    check_components,
    images_under,
    plan_outputs,
    telling_object,
)

__all__ = ["all_outputs", "apply_images", "turn_outputs"]

# Relative difference of a transported and a directly evaluated output that tells them apart.
_AGREEMENT = {"float64": 1e-6, "float32": 1e-3}
_COARSE_AGREEMENT = 5e-2
_ROUNDINGS = 1e3


def turn_outputs(outputs: Array, irreps: str, matrices: npt.ArrayLike, permutations: npt.ArrayLike | None = None) -> Array:
    """Images of an output under group elements: site i's features D(g) y_i arrive at site p[g, i].

    Args:
        outputs: (num_sites, dim), or (m, num_sites, dim) with one output per element.
        irreps: of the output, e3nn notation.
        matrices: (m, 3, 3).
        permutations: (m, num_sites), or None for outputs of the whole graph, which are not moved.

    Returns:
        (m, num_sites, dim); differentiable.
    """
    outputs = real(outputs, "outputs")
    if outputs.ndim not in (2, 3):
        raise NetworkInputError(f"outputs has shape {outputs.shape}; expected (num_sites, dim) or (m, num_sites, dim).")
    check_components(outputs.shape[-1], irreps, "irreps")
    return apply_images(outputs, images_under(irreps, matrices, permutations))


def apply_images(outputs: Array, images: Images) -> Array:
    """``images`` of outputs (num_sites, dim) or (m, num_sites, dim): (m, num_sites, dim)."""
    action = jnp.asarray(images.action, outputs.dtype)
    stacked = outputs[None] if outputs.ndim == 2 else outputs
    if len(stacked) not in (1, len(action)):
        raise NetworkInputError(f"There are {len(stacked)} outputs for {len(action)} elements; give one, or one for each.")
    turned = stacked @ jnp.swapaxes(action, 1, 2)
    if images.sources is None:
        return turned
    if images.sources.shape != turned.shape[:2]:
        raise NetworkInputError(
            f"permutations has shape {images.sources.shape}; expected one row per element and one column per site: "
            f"{tuple(turned.shape[:2])}."
        )
    return jnp.take_along_axis(turned, jnp.asarray(images.sources)[:, :, None], axis=1)


def all_outputs(
    apply: Callable[[Any, int], Array],
    inputs: Any,
    symmetry_set: MinimalSet,
    *,
    irreps_out: str,
    permutations: npt.ArrayLike | None = None,
    rotation: npt.ArrayLike | None = None,
    prepared: Transport | None = None,
    check: bool = True,
) -> Array:
    """The output for every object of the set, from one evaluation per S-orbit, and one more to check.

    Args:
        apply: ``(inputs, object number) -> output (num_sites, dim)``, for one graph.
        inputs: of one structure, symmetric under S.
        symmetry_set: the set.
        irreps_out: of the output, e3nn notation.
        permutations: (order of S, num_sites) from `site_permutations`; by default those of a set of fields; None otherwise
            means an output of the whole graph, (1, dim).
        rotation: (3, 3), where the input is turned by R from the set's orientation.
        prepared: ``transport(symmetry_set)``, to save time in repeated calls.
        check: evaluate one more object directly and compare, where values are known (not in traced functions).

    Returns:
        (size, num_sites, dim): the output for object k in row k.

    Raises:
        NetworkInputError: shapes do not fit, or the network does not see the symmetry S.
        InfiniteSetError: the set is infinite.
    """
    carried = carried_by(prepared, symmetry_set)
    if not callable(apply):
        raise NetworkInputError(f"apply is {shown(apply)}; expected a function (inputs, object number) -> output.")
    irreps_dim(irreps_out)
    check = check_bool(check, "check")
    results = [real(apply(inputs, int(number)), "the output") for number in carried.representatives]
    for each in results:
        if each.ndim != 2:
            raise NetworkInputError(f"The network returned shape {each.shape}; expected (num_sites, dim).")
        check_components(each.shape[-1], irreps_out, "irreps_out")
    if permutations is None and carried.permutations is not None and len(results[0]) > 1:
        permutations = carried.permutations
    if permutations is None and len(results[0]) != 1:
        raise NetworkInputError(
            f"permutations=None is for outputs of the whole graph, this one has {len(results[0])} rows; give those of "
            "sbs.jax.site_permutations."
        )
    planned = plan_outputs(carried, irreps_out, permutations, rotation)
    stacked = results[0] if len(results) == 1 else jnp.stack(results)[jnp.asarray(planned.orbit)]
    found = apply_images(stacked, planned.images)
    number = telling_object(planned, carried) if check and is_known(found) else None
    if number is not None:
        _compare(found[number], real(apply(inputs, number), "the output"), number)
    return found


def _compare(found: Array, direct: Array, number: int) -> None:
    scale = float(jnp.maximum(jnp.abs(found).max(), jnp.abs(direct).max()))
    off = float(jnp.abs(found - direct).max())
    relative = _AGREEMENT.get(str(direct.dtype), _COARSE_AGREEMENT)
    if off > max(relative * scale, _ROUNDINGS * float(jnp.finfo(direct.dtype).eps)):
        raise NetworkInputError(
            f"The output for object {number} is not what S makes of another object's output: it differs by {off:.1e}, at "
            f"outputs of {scale:.1e}. Something that the network sees has not this symmetry, or permutations or rotation are "
            "wrong. check=False returns the outputs all the same."
        )
