"""Energies, forces and stresses from any ASE calculator: checked, counted, and stopped at a budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbs.errors import BudgetError, CalculatorError
from sbs.groups.abstract.validation import check_integer, shown
from sbs.optional import require
from sbs.structures.inputs import Structure

__all__ = ["Evaluation", "Potential"]

Floats = NDArray[np.float64]


# The heaviest element with a name.
_HEAVIEST = 118


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a calculator says about one structure.

    Attributes:
        energy: eV.
        forces: float64 (num_sites, 3), eV/Å.
        stress: float64 (3, 3), eV/Å³, positive under tension; None where it was not asked for.
    """

    energy: float
    forces: Floats
    stress: Floats | None


class Potential:
    """An ASE calculator whose answers are checked and whose cost is counted.

    Attributes:
        calls: evaluations so far.
        atom_calls: sites times evaluations so far, the cost of a potential of linear cost.
    """

    def __init__(self, calculator: Any, budget: int | None = None) -> None:
        """Wrap an ASE calculator.

        Args:
            calculator: anything with ASE's ``get_potential_energy``, ``get_forces`` and, for crystals, ``get_stress``.
            budget: most evaluations, None for no limit.

        Raises:
            CalculatorError: not a calculator.
        """
        if not callable(getattr(calculator, "get_potential_energy", None)) or isinstance(calculator, type):
            raise CalculatorError(
                f"expected an ASE calculator (an object with get_potential_energy and get_forces), got {shown(calculator)}; "
                "for a name such as 'sevennet' see sbs.phases.calculators.named_calculator"
            )
        self.calculator: Any = calculator
        self.budget = None if budget is None else check_integer(budget, "budget", 1)
        self.calls = 0
        self.atom_calls = 0

    def evaluate(self, structure: Structure, stress: bool) -> Evaluation:
        """Energy, forces and, if asked, stress.

        Raises:
            BudgetError: the budget is used up.
            CalculatorError: the calculator fails, has no stress, or returns NaN, infinities or wrong shapes.
        """
        if self.budget is not None and self.calls >= self.budget:
            raise BudgetError(
                f"the budget of {self.budget} evaluations is used up; give a larger one to go on from what is kept"
            )
        foreign = sorted({int(number) for number in structure.atomic_numbers if not 0 < number <= _HEAVIEST})
        if foreign:
            raise CalculatorError(
                f"{structure!r} has labels that are no elements ({foreign}), of which no calculator knows; expected atomic "
                "numbers from 1 to 118"
            )
        self.calls += 1
        self.atom_calls += len(structure)
        atoms = structure.to_ase()
        try:
            atoms.calc = self.calculator
            energy = atoms.get_potential_energy()
            forces = atoms.get_forces()
            tensor = atoms.get_stress(voigt=False) if stress else None
        except Exception as error:  # a calculator may raise anything
            raise self._failed(structure, error, stress) from error
        return Evaluation(
            float(self._checked(energy, (), "energy", structure)),
            self._checked(forces, (len(structure), 3), "forces", structure),
            None if tensor is None else self._checked(tensor, (3, 3), "stress", structure),
        )

    def _failed(self, structure: Structure, error: Exception, stress: bool) -> CalculatorError:
        name = type(self.calculator).__name__
        if stress and isinstance(error, require("ase.calculators.calculator", "relax").PropertyNotImplementedError):
            return CalculatorError(
                f"{name} has no stress ({error}), which relaxing a cell needs; relax at fixed cell with cell=False, or "
                "take another calculator"
            )
        return CalculatorError(
            f"{name} failed on {structure!r} ({type(error).__name__}: {error}); try it on the structure by itself: "
            "the elements may be foreign to it, or the cell too small"
        )

    def _checked(self, value: Any, shape: tuple[int, ...], what: str, structure: Structure) -> Floats:
        try:
            array = np.asarray(value)
            number = array.dtype.kind in "biuf" or array.dtype == object
            array = array.astype(np.float64) if number else np.full(shape, np.nan)
        except (TypeError, ValueError):  # ragged lists, objects that are no numbers
            number, array = False, np.full(shape, np.nan)
        if array.shape != shape or not np.isfinite(array).all():
            found = f"shape {array.shape}" if array.shape != shape else "NaN or infinite values" if number else shown(value)
            raise CalculatorError(
                f"{type(self.calculator).__name__} returned {found} for the {what} of {structure!r}; expected finite "
                f"numbers of shape {shape}: the structure may lie outside of what it was made for"
            )
        return array
