"""Calls of spglib without the warnings that it gives at every call.

Since 2.7 spglib warns unless it is told to raise its errors. The public switch for that is global, and no caller of
this library asked for it to be turned; the same can be said call by call.
"""

from __future__ import annotations

import warnings
from inspect import signature
from typing import Any

import numpy as np
import spglib
from numpy.typing import NDArray

from sbs.errors import DetectionError

__all__ = ["layer_group", "setting_names", "setting_operations", "symmetry_dataset"]

_RAISE: dict[str, Any] = {"_throw": True} if "_throw" in signature(spglib.get_symmetry_dataset).parameters else {}


def symmetry_dataset(
    lattice: NDArray[np.float64],
    fractional: NDArray[np.float64],
    labels: NDArray[np.int64],
    tolerance: float,
    hall_number: int = 0,
) -> Any:
    """spglib's dataset of a crystal at ``tolerance`` Å, in the setting of a Hall number or, with 0, in spglib's own.

    Raises:
        DetectionError: spglib finds no space group.
    """
    cell: Any = (lattice, fractional, labels)
    try:
        dataset = spglib.get_symmetry_dataset(cell, symprec=float(tolerance), hall_number=hall_number, **_RAISE)
    except Exception as error:
        raise DetectionError(_no_space_group(tolerance, str(error))) from error
    if dataset is None:
        raise DetectionError(_no_space_group(tolerance, "no reason given"))
    return dataset


def layer_group(
    lattice: NDArray[np.float64], fractional: NDArray[np.float64], labels: NDArray[np.int64], tolerance: float
) -> tuple[int, str]:
    """Number (1 to 80) and symbol of the layer group of a layer whose third cell vector is no period.

    Raises:
        DetectionError: spglib finds no layer group.
    """
    cell: Any = (lattice, fractional, labels)
    try:
        dataset = spglib.get_symmetry_layerdataset(cell, aperiodic_dir=2, symprec=float(tolerance), **_RAISE)
    except Exception as error:
        raise DetectionError(_no_space_group(tolerance, str(error))) from error
    if dataset is None:
        raise DetectionError(_no_space_group(tolerance, "no reason given"))
    return int(dataset.number), str(dataset.international)


def setting_names(hall_number: int) -> tuple[int, str, str]:
    """Number of the space group, choice of axes or origin, and short symbol of a setting in spglib's list (1 to 530)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        found = spglib.get_spacegroup_type(hall_number)
    assert found is not None  # for numbers in that range
    return int(found.number), str(found.choice), str(found.international_short)


def setting_operations(hall_number: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rotations (n, 3, 3) and translations (n, 3) of a setting of a space group, by its number in spglib's list (1 to 530)."""
    with warnings.catch_warnings():  # of this function no call says that errors are to be raised
        warnings.simplefilter("ignore", DeprecationWarning)
        found = spglib.get_symmetry_from_database(hall_number)
    assert found is not None  # for numbers in that range
    return np.asarray(found["rotations"], dtype=np.int64), np.asarray(found["translations"], dtype=np.float64)


def _no_space_group(tolerance: float, reason: str) -> str:
    return (
        f"spglib found no space group at a tolerance of {tolerance:g} Å ({reason}); expected a crystal whose "
        "atoms are further apart than the tolerance: try a tolerance ten times smaller or larger"
    )
