"""Losses for symmetry-broken targets: paired, minimum over the output orbit, and a score for generative sampling."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax import Array

from sbs.errors import NetworkInputError
from sbs.jax.checks import check_entries, integers, real
from sbs.jax.outputs import apply_images
from sbs.sets.minimal_set import MinimalSet
from sbs.sets.pairing import matching_objects, target_images
from sbs.sets.transport import Transport, carried_by

__all__ = ["energy_score", "matching_objects", "orbit_minimum_loss", "orbit_targets", "paired_loss"]

# Errors that differ by less, relative to the largest, are a tie.
_TIE = 1e-6


def orbit_targets(
    symmetry_set: MinimalSet,
    target: Array,
    irreps: str,
    permutations: npt.ArrayLike | None,
    *,
    index: int | None = None,
    prepared: Transport | None = None,
) -> Array:
    """The target of every object, (size, num_sites, dim): `sbs.nn.orbit_targets` for arrays.

    Raises:
        NetworkInputError: ``index`` may not be paired with this target, or no object may.
    """
    carried = carried_by(prepared, symmetry_set)
    target = real(target, "target")
    return apply_images(target, target_images(symmetry_set, target, irreps, permutations, carried, index))


def paired_loss(prediction: Array, targets: Array, index: Array | int) -> Array:
    """Mean squared error of each prediction against the target of its object; see `sbs.nn.paired_loss`."""
    prediction, targets = _compared(prediction, targets)
    index = integers(index, "index")
    check_entries(index.reshape(-1), index.size, np.array([len(targets)]), "index")
    wanted = targets[index]
    if wanted.shape != prediction.shape:
        raise NetworkInputError(
            f"prediction has shape {prediction.shape}, its targets {wanted.shape}; index must have one object per prediction."
        )
    return jnp.square(prediction - wanted).mean()


def _compared(prediction: Array, targets: Array) -> tuple[Array, Array]:
    prediction, targets = real(prediction, "prediction"), real(targets, "targets")
    if prediction.ndim not in (2, 3) or targets.ndim != 3 or not len(targets):
        raise NetworkInputError(
            f"prediction has shape {prediction.shape}, targets {targets.shape}; expected (num_sites, dim) or (k, num_sites, "
            "dim), and (m, num_sites, dim) with m > 0."
        )
    return prediction, targets


def orbit_minimum_loss(prediction: Array, targets: Array) -> Array:
    """Mean over predictions of the mean squared error to the nearest member of the output orbit.

    Among members that are equally near, prediction i is compared with the i-th: see `sbs.nn.orbit_minimum_loss`.
    """
    prediction, targets = _compared(prediction, targets)
    stacked = prediction[None] if prediction.ndim == 2 else prediction
    if stacked.shape[1:] != targets.shape[1:]:
        raise NetworkInputError(
            f"prediction has shape {prediction.shape}, targets {targets.shape}; expected the same (num_sites, dim)."
        )
    errors = jnp.square(stacked[:, None] - targets[None]).mean(axis=(2, 3))
    tied = errors <= errors.min(axis=1, keepdims=True) + _TIE * errors.max(axis=1, keepdims=True)
    wanted = jnp.arange(len(errors)) % tied.sum(axis=1)
    chosen = (tied & (tied.cumsum(axis=1) - 1 == wanted[:, None])).argmax(axis=1)
    return jnp.take_along_axis(errors, chosen[:, None], axis=1).mean()


def energy_score(samples: Array, targets: Array) -> Array:
    """Energy score of sampled outputs (k >= 2, num_sites, dim) against observed ones (m, num_sites, dim).

    E|X - Y| - E|X - X'| / 2: T. Gneiting, A. E. Raftery, J. Am. Stat. Assoc. 102, 359 (2007), eq. (22); see
    `sbs.nn.energy_score`.
    """
    samples, targets = real(samples, "samples"), real(targets, "targets")
    if samples.ndim != 3 or samples.shape[0] < 2 or samples.shape[1:] != targets.shape[1:]:
        raise NetworkInputError(
            f"samples has shape {samples.shape}, targets {targets.shape}; expected (k >= 2, num_sites, dim) and (m, "
            "num_sites, dim)."
        )
    x, y = samples.reshape(len(samples), -1), targets.reshape(len(targets), -1)
    first, second = jnp.triu_indices(len(x), k=1)
    spread = 2 * _norm(x[first] - x[second]).sum() / (len(x) * (len(x) - 1))
    return _norm(x[:, None] - y[None]).mean() - spread / 2


def _norm(values: Array) -> Array:
    """Norm over the last axis whose gradient at zero is zero."""
    squares = jnp.square(values).sum(axis=-1)
    return jnp.where(squares > 0, jnp.sqrt(jnp.where(squares > 0, squares, 1.0)), 0.0)
