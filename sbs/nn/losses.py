"""Losses for symmetry-broken targets: paired, minimum over the output orbit, and a score for generative sampling."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from e3nn import o3
from torch import Tensor

from sbs.errors import NetworkInputError
from sbs.groups.abstract.validation import check_integer
from sbs.nn.checks import check_choice, check_tensors, plain_irreps
from sbs.nn.outputs import apply_images
from sbs.sets import pairing
from sbs.sets.minimal_set import MinimalSet
from sbs.sets.pairing import TARGET_TOLERANCE
from sbs.sets.transport import Transport, carried_by

__all__ = [
    "energy_score",
    "matching_objects",
    "orbit_minimum_loss",
    "orbit_targets",
    "output_stabilizer",
    "paired_loss",
]



def output_stabilizer(
    output: Tensor,
    irreps: o3.Irreps | str,
    matrices: npt.ArrayLike,
    permutations: npt.ArrayLike | None,
    tolerance: float = TARGET_TOLERANCE,
) -> npt.NDArray[np.bool_]:
    """Which of ``matrices`` (m, 3, 3) fix an output (num_sites, dim): bool (m,); see `sbs.sets.pairing`."""
    return pairing.output_stabilizer(_numbers(output), plain_irreps(irreps, "irreps"), matrices, permutations, tolerance)


def matching_objects(
    symmetry_set: MinimalSet,
    target: Tensor,
    irreps: o3.Irreps | str,
    permutations: npt.ArrayLike | None,
    tolerance: float = TARGET_TOLERANCE,
) -> npt.NDArray[np.int64]:
    """Objects that may be paired with ``target`` (num_sites, dim): those b with Stab_S(b) inside Stab_S(target).

    Returns their numbers; each S-orbit of the set has one at least if the target's symmetry holds a conjugate of K.

    Raises:
        NetworkInputError: if no object may be paired with the target: its symmetry is not (a conjugate of) that
            of the set's target.
    """
    found = plain_irreps(irreps, "irreps")
    return pairing.matching_objects(symmetry_set, _numbers(target), found, permutations, tolerance)


def orbit_targets(
    symmetry_set: MinimalSet,
    target: Tensor,
    irreps: o3.Irreps | str,
    permutations: npt.ArrayLike | None,
    *,
    index: int | None = None,
    prepared: Transport | None = None,
) -> Tensor:
    """The target of every object, (size, num_sites, dim), so that object and target are paired by their stabilizers.

    ``target`` (num_sites, dim) is paired with object ``index`` (by default the first that `matching_objects` finds in each
    S-orbit) and the rest follows by symmetry: b_k = g b gives g target. Differentiable in ``target``.

    Raises:
        NetworkInputError: if ``index`` may not be paired with this target.
    """
    carried = carried_by(prepared, symmetry_set)
    found = plain_irreps(irreps, "irreps")
    images = pairing.target_images(symmetry_set, _numbers(target), found, permutations, carried, index)
    return apply_images(target, images)


def _numbers(values: Tensor) -> npt.NDArray[np.float64]:
    check_tensors(needed=True, target=values)
    if values.ndim != 2:
        raise NetworkInputError(f"An output has shape {tuple(values.shape)}; expected (num_sites, dim).")
    return values.detach().to(device="cpu", dtype=torch.float64).numpy()


def _check_compared(prediction: Tensor, targets: Tensor) -> None:
    check_tensors(needed=True, prediction=prediction, targets=targets)
    if prediction.ndim not in (2, 3) or targets.ndim != 3 or not len(targets):
        raise NetworkInputError(
            f"prediction has shape {tuple(prediction.shape)}, targets {tuple(targets.shape)}; expected (num_sites, dim) or "
            "(k, num_sites, dim), and (m, num_sites, dim) with m > 0."
        )


def paired_loss(prediction: Tensor, targets: Tensor, index: Tensor | int) -> Tensor:
    """Mean squared error of each prediction against the target of its object.

    prediction (num_sites, dim) with an int, or (k, num_sites, dim) with ``index`` (k,); targets (size,
    num_sites, dim) from `orbit_targets`. A scalar.
    """
    _check_compared(prediction, targets)
    if isinstance(index, Tensor):
        check_tensors(index=index)
        check_choice(index.reshape(-1), len(targets), index.numel(), targets.device, "index")
    else:
        index = check_integer(index, "index", -len(targets), len(targets) - 1)
    wanted = targets[index]
    if wanted.shape != prediction.shape:
        raise NetworkInputError(
            f"prediction has shape {tuple(prediction.shape)}, its targets {tuple(wanted.shape)}; index must "
            "have one object per prediction."
        )
    return torch.nn.functional.mse_loss(prediction, wanted)


# Errors that differ by less, relative to the largest, are a tie.
_TIE = 1e-6


def orbit_minimum_loss(prediction: Tensor, targets: Tensor) -> Tensor:
    """Mean over predictions of the mean squared error to the nearest member of the output orbit.

    prediction (num_sites, dim) or (k, num_sites, dim); targets (m, num_sites, dim). For data that say which
    orbit but not which member; which object goes with which member is then left to the training.

    A symmetric output is equally far from all members, and the mean of their gradients is zero there. Prediction i is
    therefore compared with the i-th (modulo their number) of the members that are nearest: training leaves this point, where
    an untrained attachment begins. Predictions of all objects in order are thus paired with their own targets.
    """
    _check_compared(prediction, targets)
    stacked = prediction[None] if prediction.ndim == 2 else prediction
    if stacked.shape[1:] != targets.shape[1:]:
        raise NetworkInputError(
            f"prediction has shape {tuple(prediction.shape)}, targets {tuple(targets.shape)}; expected the "
            "same (num_sites, dim)."
        )
    errors = (stacked[:, None] - targets[None]).square().mean(dim=(2, 3))
    found = errors.detach()
    # Negated, so that errors that are no numbers come through as the loss.
    tied = ~(found > found.amin(dim=1, keepdim=True) + _TIE * found.amax(dim=1, keepdim=True))
    wanted = torch.arange(len(found), device=found.device) % tied.sum(dim=1)
    rank = tied.cumsum(dim=1) - 1
    chosen = (tied & (rank == wanted[:, None])).to(torch.int64).argmax(dim=1)
    return errors.gather(1, chosen[:, None]).mean()


def energy_score(samples: Tensor, targets: Tensor) -> Tensor:
    """Energy score of sampled outputs against observed ones, for training f(x, b), b uniform, as a generative model.

    E|X - Y| - E|X - X'| / 2 with |.| the Euclidean norm; samples X (k, num_sites, dim) with k >= 2, from k
    drawn objects, targets Y (m, num_sites, dim). It is a strictly proper score: in the mean it is least when
    the samples are distributed as the targets are. T. Gneiting, A. E. Raftery, J. Am. Stat. Assoc. 102, 359
    (2007), eq. (22).

    Samples that coincide at the symmetric output, as those of an untrained attachment do, are a stationary point: the
    targets pull evenly to all sides. Begin with ``attachment.wake(size)``, or with some steps of `paired_loss`.
    """
    check_tensors(needed=True, samples=samples, targets=targets)
    if samples.ndim != 3 or samples.shape[0] < 2 or samples.shape[1:] != targets.shape[1:]:
        raise NetworkInputError(
            f"samples has shape {tuple(samples.shape)}, targets {tuple(targets.shape)}; expected (k >= 2, "
            "num_sites, dim) and (m, num_sites, dim)."
        )
    x, y = samples.flatten(1), targets.flatten(1)
    count = len(x)
    # The norm has no gradient at zero, which the diagonal X = X' would hit: sum over pairs of different
    # samples.
    first, second = torch.triu_indices(count, count, offset=1, device=x.device)
    spread = 2 * torch.linalg.vector_norm(x[first] - x[second], dim=-1).sum() / (count * (count - 1))
    return torch.linalg.vector_norm(x[:, None] - y[None], dim=-1).mean() - spread / 2
