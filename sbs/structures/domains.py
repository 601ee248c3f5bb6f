"""Domain states: the images of one distorted structure under S, checked to be different and to have the symmetry that they
are said to have."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbs.errors import DetectionError, NoSetError
from sbs.groups import Subgroup
from sbs.groups.abstract.immutability import ComparedByValue
from sbs.structures.crystal import SpaceGroup, space_group_of
from sbs.structures.detected import Detected
from sbs.structures.group_names import name_of_subgroup
from sbs.structures.inputs import Structure
from sbs.structures.sites import changes, finite_group, move
from sbs.structures.viewing import view

__all__ = ["SEEN", "DomainState", "distorted", "domain_states", "smallest_change"]

#: The symmetry of a state is looked for at this fraction of the smallest difference between two states, so that all of the
#: distortion is seen.
SEEN = 0.1


@dataclass(frozen=True, eq=False, repr=False)
class DomainState(ComparedByValue):
    """One of the symmetry-equivalent distorted structures.

    Attributes:
        structure: the distorted structure, sites in the order of the parent (of its supercell where it has one).
        element: number of the element of S that carries the first domain state to this one.
        displacement: float64 (num_sites, 3), Å, relative to the (strained) parent sites.
        strain: float64 (3, 3), symmetric; zero for a molecule.
        symmetry: the subgroup of S that is left, a conjugate of K.
        difference: Å, how far at least some site would have to move to turn this state into another one (for states that
            differ by their strain alone: how far it moves the end of the longest cell vector).
    """

    structure: Structure
    element: int
    displacement: NDArray[np.float64]
    strain: NDArray[np.float64]
    symmetry: Subgroup
    difference: float

    def view(self, width: int = 400, height: int = 320) -> Any:
        """The distorted structure with arrows along its displacements, for notebooks; see `sbs.structures.viewing`.

        Raises:
            MissingDependencyError: py3Dmol is not installed.
        """
        return view(self.structure, self.structure.symbols, self.displacement, width, height)

    @cached_property
    def space_group(self) -> SpaceGroup | None:
        """Space group of the distorted crystal as spglib finds it (layer group of a layer); None for a molecule."""
        if not self.structure.periodic:
            return None
        return space_group_of(self.structure, max(SEEN * self.difference, 1e-6))[0]

    def __repr__(self) -> str:
        largest = np.linalg.norm(self.displacement, axis=1).max()
        name = self.symmetry.symbol or getattr(self.space_group, "symbol", "?")
        return f"DomainState({name}, {self.structure!r}, sites moved by up to {largest:.3g} Å)"


def distorted(
    parent: Structure, displacement: NDArray[np.float64], strain: NDArray[np.float64]
) -> Structure:
    """The parent strained and then displaced: x' = (1 + ε) x + u, the cell vectors with it.

    Args:
        displacement: u, float64 (num_sites, 3), Å. strain: ε, float64 (3, 3), symmetric.
    """
    stretch = np.eye(3) + strain
    lattice = None if parent.lattice is None else parent.lattice @ stretch
    return replace(parent, positions=parent.positions @ stretch + displacement, lattice=lattice)


def smallest_change(
    parent: Detected, target: Subgroup, displacement: NDArray[np.float64], strain: NDArray[np.float64]
) -> float:
    """The smallest difference in Å that an element outside K makes: between one state and all others.

    For every element the larger of the largest change of a site's displacement and of what the change of the strain does to
    the longest cell vector.
    """
    moved, stretched = changes(parent, displacement, strain)
    lattice = parent.structure.lattice
    if lattice is not None:
        moved = np.maximum(moved, stretched * float(np.linalg.norm(lattice, axis=1).max()))
    outside = moved[~target.mask]
    return float(outside.min()) if len(outside) else np.inf


def domain_states(
    parent: Detected,
    target: Subgroup,
    displacement: NDArray[np.float64],
    strain: NDArray[np.float64],
    least: float,
) -> tuple[DomainState, ...]:
    """All images of one distorted structure under S: |S| / |K| of them, that of the identity first.

    Args:
        target: K, which leaves displacement and strain as they are.
        displacement: float64 (num_sites, 3), Å. strain: float64 (3, 3).
        least: Å, by how much two states must differ at least to count as two.

    Raises:
        DetectionError: K does not leave the distortion as it is.
        NoSetError: an element outside K leaves it as it is within ``least``, so that states would coincide; the message says
            what symmetry is left.
    """
    group = finite_group(parent)
    kept = changes(parent, displacement, strain)
    scale = float(np.linalg.norm(displacement, axis=1).max()) + float(np.linalg.norm(strain))
    if max(kept[0][target.elements].max(), kept[1][target.elements].max()) > 1e-6 * scale:
        raise DetectionError(
            f"{name_of_subgroup(parent, target)} does not leave the distortion as it is; expected patterns that are invariant "
            "under it"
        )
    difference = smallest_change(parent, target, displacement, strain)
    if difference <= least:
        lattice = parent.structure.lattice
        longest = 0.0 if lattice is None else float(np.linalg.norm(lattice, axis=1).max())
        mask = np.maximum(kept[0], kept[1] * longest) <= least
        left = group.subgroup(np.flatnonzero(mask).tolist())
        raise NoSetError(
            f"the distortion leaves {name_of_subgroup(parent, left)}, more than the target "
            f"{name_of_subgroup(parent, target)}: its domain states would differ by {difference:.2g} Å only, and {least:.2g} Å "
            "is the least; give other coefficients or a larger amplitude, or none for generic ones"
        )
    states = []
    cosets = np.asarray(target.left_cosets())
    elements = cosets.min(axis=1)
    for element in elements[np.argsort(elements != 0, kind="stable")].tolist():
        moved = move(parent, element, displacement)
        turned = parent.matrices[element] @ strain @ parent.matrices[element].T
        structure = distorted(parent.structure, moved, turned)
        states.append(DomainState(structure, element, moved, turned, target.conjugate(element), difference))
    return tuple(states)
