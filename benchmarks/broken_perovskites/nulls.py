"""What no network is needed for: the mean pattern of the training items, and kernel ridge regression on the composition.

Both are told the domain, so both stand for the error that chemistry alone leaves: a technique that does no better has
learnt nothing from the crystal.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from benchmarks.broken_perovskites.tasks import Task

__all__ = ["WIDTHS", "kernel_ridge", "mean_pattern"]

Array = npt.NDArray[np.float64]

#: Widths of the Gaussian kernel, in units of the features, and ridges relative to the kernel's diagonal, chosen on a fourth of
#: the training items.
WIDTHS = (0.7, 1.4, 2.8, 5.6)
RIDGES = (1e-4, 1e-3, 1e-2, 1e-1)


def mean_pattern(task: Task, fold: npt.NDArray[np.int64]) -> Array:
    """Error of each held-out item, (1, items), Å per atom, against the mean of its phase over the training items."""
    errors = np.zeros(len(task))
    for f in np.unique(fold):
        for phase in range(len(task.phases)):
            own = task.phase == phase
            mean = task.targets[own & (fold != f)].mean(axis=0)
            held = own & (fold == f)
            errors[held] = _rms(task.targets[held] - mean)
    return errors[None]


def kernel_ridge(task: Task, fold: npt.NDArray[np.int64]) -> Array:
    """The same for kernel ridge regression on the invariant features, one regression for each phase."""
    errors = np.zeros(len(task))
    for f in np.unique(fold):
        for phase in range(len(task.phases)):
            train = np.flatnonzero((task.phase == phase) & (fold != f))
            held = np.flatnonzero((task.phase == phase) & (fold == f))
            inner = np.random.default_rng(int(f)).permutation(train)
            checked, fitted = inner[: len(inner) // 4], inner[len(inner) // 4 :]
            settings = [(w, r) for w in WIDTHS for r in RIDGES]
            scores = [np.square(_off(task, fitted, checked, w, r)).mean() for w, r in settings]
            width, ridge = settings[int(np.argmin(scores))]
            errors[held] = _rms(_off(task, train, held, width, ridge))
    return errors[None]


def _off(task: Task, train: npt.NDArray[np.int64], held: npt.NDArray[np.int64], width: float, ridge: float) -> Array:
    """Prediction minus target of some items, (held, J, 3)."""
    mean = task.targets[train].mean(axis=0)
    kernel = _kernel(task.features[train], task.features[train], width) + ridge * np.eye(len(train))
    weights = np.linalg.solve(kernel, (task.targets[train] - mean).reshape(len(train), -1))
    found = _kernel(task.features[held], task.features[train], width) @ weights
    return found.reshape(len(held), task.sites, 3) + mean - task.targets[held]


def _kernel(first: Array, second: Array, width: float) -> Array:
    squares = np.square(first[:, None] - second[None]).sum(-1)
    return np.exp(-squares / (2 * width**2))


def _rms(off: Array) -> Array:
    return np.sqrt(np.square(off).sum(axis=(1, 2)) / off.shape[1])
