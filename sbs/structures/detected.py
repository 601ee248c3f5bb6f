"""The result of detection: an oriented group, what it does to the sites, and how good the evidence is."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbs.errors import DetectionError, NotASubgroupError
from sbs.groups import ClosedGroup, FiniteGroup, PointGroup
from sbs.groups.abstract.immutability import ComparedByValue
from sbs.groups.abstract.site_operations import SiteOperations
from sbs.groups.point.pointgroups import match_elements
from sbs.groups.point.symbols import hermann_mauguin
from sbs.sets.fields import SiteFrame
from sbs.structures.crystal import SpaceGroup
from sbs.structures.inputs import Structure
from sbs.structures.pinning import pinned_ambient
from sbs.structures.supercell import MAX_CRYSTAL_ORDER, Supercell
from sbs.structures.viewing import facts_html

__all__ = ["Detected"]


@dataclass(frozen=True, eq=False, repr=False)
class Detected(ComparedByValue):
    """Symmetry of a structure in its own Cartesian frame.

    For every element g: ``positions[permutations[g, i]] ≈ group.matrices[g] @ positions[i] +
    translations[g]``, for a crystal modulo the lattice. Where the given cell is a supercell that an
    operation of the crystal does not preserve (a cell of lower symmetry than the crystal in it), that holds
    modulo the primitive lattice.

    Attributes:
        structure: what was examined.
        group: exact PointGroup, or ClosedGroup for a linear molecule (C∞v, D∞h) or a single atom (O(3)).
        permutations: int (order, num_sites). An infinite group has one row per component that acts
            differently: the identity, and for D∞h the reversal; see ``permutation_of``.
        translations: float64 (order, 3), Å; zeros for an infinite group about the centre at ``center``.
        center: float64 (3,), Å, the centroid of a molecule; the origin for a crystal.
        pure_translations: int (m, num_sites), site permutations of the translations inside the cell of a crystal (identity
            first; m > 1 for a cell that is not primitive); a single row for a molecule.
        space_group: number and symbol for a crystal, None for a molecule.
        ambient: holohedry of a crystal's lattice as a PointGroup; None for a molecule (use O(3)).
        tolerance: Å, as asked.
        deviation: Å, the largest distance between the image of a site (or cell vector) and what it should
            meet.
        ambiguous: whether a tolerance four times larger finds another symmetry.
        alternative: symbol found at that larger tolerance when ambiguous, else None.
        operations: for a crystal in a supercell what the elements of ``group`` are, else None.
        supercell: for a crystal in a supercell, asked for or given as one, how ``group`` lies over its space group, else None.
            Then ``structure`` is the supercell, ``group`` the FiniteGroup S of the space group modulo the translations of the
            cell, and ``matrices``, ``translations`` and ``permutations`` have one row for each element of S.
    """

    structure: Structure
    group: PointGroup | ClosedGroup | FiniteGroup
    permutations: NDArray[np.int64]
    translations: NDArray[np.float64]
    center: NDArray[np.float64]
    pure_translations: NDArray[np.int64]
    space_group: SpaceGroup | None
    ambient: PointGroup | None
    tolerance: float
    deviation: float
    ambiguous: bool
    alternative: str | None
    operations: SiteOperations | None = None
    supercell: Supercell | None = None

    @property
    def rotations(self) -> PointGroup | ClosedGroup:
        """The point group: ``group`` itself, or the rotations that it holds if it holds translations too."""
        if self.supercell is not None:
            return self.supercell.point_group
        assert isinstance(self.group, (PointGroup, ClosedGroup))
        return self.group

    @property
    def symbol(self) -> str:
        """Schoenflies symbol of the point group."""
        return self.rotations.symbol

    @property
    def hermann_mauguin(self) -> str:
        """Short Hermann-Mauguin symbol of the point group."""
        return hermann_mauguin(self.rotations.family)

    @property
    def order(self) -> int | float:
        """Number of elements, ``math.inf`` for a linear molecule or an atom."""
        return self.group.order

    @property
    def matrices(self) -> NDArray[np.float64]:
        """float64 (order, 3, 3) in the structure's frame, exact, identity first; InfiniteSetError for an infinite group."""
        if self.operations is not None:
            return self.operations.matrices
        return self.rotations.matrices

    @property
    def rotation(self) -> NDArray[np.float64]:
        """Proper rotation (3, 3) *to* the standard setting: ``rotation @ matrices @ rotation.T``
        are the standard matrices.
        """
        return self.rotations.rotation.T

    def permutation_of(self, matrix: NDArray[np.float64]) -> NDArray[np.int64]:
        """Site permutation (num_sites,) of one element of the group, given as a matrix (3, 3).

        Raises:
            NotASubgroupError: the matrix is no element of the group.
            DetectionError: the group holds translations, which a matrix does not tell apart.
        """
        if self.supercell is not None:
            raise DetectionError(
                "a matrix does not name one element of the space group modulo a supercell: translations share it; use the "
                "rows of .permutations"
            )
        g = np.asarray(matrix, dtype=np.float64).reshape(3, 3)
        if isinstance(self.group, PointGroup):
            number = int(match_elements(g[None], self.group.matrices)[0])
            if number < 0:
                raise NotASubgroupError(
                    f"the matrix is no element of {self.symbol} in this orientation; see .matrices"
                )
            return self.permutations[number]
        assert isinstance(self.group, ClosedGroup)
        if not self.group.contains(g)[0]:
            raise NotASubgroupError(
                f"the matrix is no element of {self.symbol} about this axis; see .group.rotation"
            )
        axis = self.group.rotation[:, 2]
        return self.permutations[1 if len(self.permutations) > 1 and axis @ g @ axis < 0 else 0]

    def point_group(self) -> PointGroup:
        """The group if it is a finite point group; DetectionError for a linear molecule or an atom, and in a supercell."""
        if isinstance(self.group, PointGroup):
            return self.group
        if self.supercell is not None:
            raise DetectionError(
                f"the group of {self.structure.formula} in a supercell holds translations and is no point group; use .group, "
                "or .rotations for the point group alone"
            )
        raise DetectionError(
            f"{self.structure.formula} has the infinite group {self.symbol}; expected a structure with a "
            "finite point group"
        )

    @cached_property
    def modulo_lattice(self) -> Detected:
        """The same structure with its point group as the group: for a crystal in a supercell the space group modulo all lattice
        translations, in the structure's own sites. This is what objects of the point group alone refer to, which are the same on
        every site: ``sbs.minimal_set(detected.modulo_lattice, "D4h")``. Any other structure is returned as it is."""
        if self.supercell is None:
            return self
        permutations, translations = self.supercell.point_operations
        return replace(
            self,
            group=self.supercell.full_point_group,
            permutations=permutations,
            translations=translations,
            operations=None,
            supercell=None,
        )

    @cached_property
    def site_frame(self) -> SiteFrame:
        """For a crystal in a supercell a description that depends on the crystal alone.

        Raises:
            DetectionError: the structure was not detected in a supercell.
        """
        from sbs.structures.site_frames import site_frame

        if self.supercell is None or self.operations is None:
            raise DetectionError("only a crystal in a supercell has fields on its sites; see sbs.detect(..., supercell=...)")
        return site_frame(self.structure, self.operations, self.supercell)

    def laid_on(self, symmetry_set: Any) -> Any:
        """This crystal as the image of the one that a set of fields is for; see `sbs.structures.correspondence`."""
        from sbs.structures.correspondence import correspondence

        return correspondence(self, symmetry_set)

    def resolve_target(self, target: Any) -> Any:
        """For a crystal in a supercell K as a subgroup of S, from a row of ``sbs.isotropy`` or its label, a symbol of the point
        group (all translations are kept then), a Subgroup of S or elements; see `sbs.structures.crystal_targets`."""
        from sbs.structures.crystal_targets import crystal_target

        return crystal_target(self, target)

    def pinned_ambient(self, normalizer: Any) -> PointGroup:
        """A finite ambient group that a molecule's own multipoles pin; see `sbs.structures.pinning.pinned_ambient`."""
        return pinned_ambient(self.structure, self.point_group(), self.center, self.tolerance, normalizer)

    def summary(self) -> dict[str, Any]:
        """The plain facts by snake_case name: numbers as numbers, lengths in Å (what the command line writes as JSON)."""
        facts: dict[str, Any] = {
            "formula": self.structure.formula,
            "sites": len(self.structure),
            "kind": self.structure.kind,
            "point_group": self.symbol,
            "hermann_mauguin": self.hermann_mauguin,
            "order": "infinite" if math.isinf(self.order) else int(self.order),
        }
        if self.space_group is not None:
            kind = "layer_group" if self.structure.layer else "space_group"
            facts[kind] = self.space_group.symbol
            facts[f"{kind}_number"] = self.space_group.number
        if self.structure.told_apart_by:
            facts["sites_told_apart_by"] = list(self.structure.told_apart_by)
        if self.supercell is not None:
            facts["supercell"] = self.supercell.cell.tolist()
            facts["translations"] = self.supercell.translations
            facts["keeps_the_point_group"] = self.supercell.complete
            facts["least_cell_that_does"] = self.supercell.least_cell.tolist()
            facts["ambient"] = "the crystal itself"
        else:
            facts["ambient"] = "O(3)" if self.ambient is None else self.ambient.symbol
        facts["deviation"] = self.deviation
        facts["tolerance"] = self.tolerance
        facts["ambiguous"] = self.ambiguous
        facts["alternative"] = self.alternative
        facts["rotation_to_standard_setting"] = self.rotation.round(10).tolist()
        return facts

    def __repr__(self) -> str:
        space = f"{self.space_group.symbol} ({self.space_group.number}), " if self.space_group is not None else ""
        if self.supercell is not None:
            space = f"{space}order {self.order} modulo a supercell, "
        doubt = f", ambiguous: {self.alternative}?" if self.ambiguous else ""
        return f"Detected({self.symbol}, {space}{self.structure!r}, {self.deviation:.1g} Å off{doubt})"

    def _repr_html_(self) -> str:
        return facts_html(repr(self.structure), self.report())

    def __str__(self) -> str:
        return self.report()

    def report(self) -> str:
        """A readable account: what was found, how well it fits, and which ambient the symmetry-breaking sets live in."""
        facts = self.summary()
        for kind in ("space_group", "layer_group"):
            if kind in facts:
                facts[kind] = f"{facts[kind]} ({facts.pop(f'{kind}_number')})"
        facts["rotation_to_standard_setting"] = "\n" + "\n".join(
            " " * 6 + "  ".join(f"{value + 0.0:9.6f}" for value in row) for row in self.rotation.round(9)
        )
        facts["deviation"] = f"{self.deviation:.3g} Å"
        facts["tolerance"] = f"{self.tolerance:g} Å"
        other = facts.pop("alternative")
        facts["ambiguous"] = f"yes: {other} at a tolerance up to four times as large" if self.ambiguous else "no"
        if self.structure.told_apart_by:
            facts["sites_told_apart_by"] = ", ".join(self.structure.told_apart_by)
        lines = [f"{key.replace('_', ' ')}: {value}" for key, value in facts.items()]
        lines.append(f"axes of labels: {self._axes()}")
        lines += ["", self._ambient_account()]
        return "\n".join(lines)

    def _axes(self) -> str:
        """What x, y, z of the standard setting are in this structure; see `sbs.structures.setting`."""
        if self.structure.layer:
            return "z along the normal of the layer (x, where the main axis lies in it), then as for crystals"
        if self.structure.periodic:
            return "x, y, z along a, b, c of the standard setting of the International Tables"
        return "x normal to the mirror with most atoms, z through most atoms, C2' and σv through most atoms (Mulliken 1955)"

    def _translations_account(self) -> str:
        """A word on the primitive cells inside the given one."""
        count = len(self.pure_translations)
        if count == 1:
            return ""
        return (
            f"\nThe cell holds {count} primitive cells. With the translations between them the group would have over "
            f"{MAX_CRYSTAL_ORDER} elements, so that they are all\nkept here; give a smaller cell for what breaks them."
        )

    def _ambient_account(self) -> str:
        if self.supercell is not None:
            return (
                f"Supercell: {self.supercell.account()}.\nSymmetry-breaking objects are fields on the sites of this crystal, "
                "carried along by every motion of it: the sets are closed under its own group, and always ideal."
            )
        if self.ambient is not None:
            return (
                f"Ambient: {self.ambient.symbol}, the holohedry of the {self.structure.kind}'s lattice. Symmetry-breaking "
                f"objects of a {self.structure.kind} are "
                "invariant under translations,\nand only orthogonal maps that preserve the lattice carry one "
                "description of it "
                f"into another, so the sets need to be closed under\nthe normalizer of {self.symbol} in "
                f"{self.ambient.symbol}, not "
                "in O(3): the normalizer is finite, and so is every set, also for C_n, C_nh and S_2n."
            ) + self._translations_account()
        if isinstance(self.group, ClosedGroup):
            return (
                f"Ambient: O(3). {self.symbol} is infinite; sets that break it along its axis only are "
                "finite, others are circles or spheres."
            )
        if self.rotations.family.series in ("Cn", "Cnh", "S2n") and self.group.order > 2:
            return (
                f"Ambient: O(3). The normalizer of {self.symbol} holds every turn about its axis, so a set "
                "that "
                'breaks its rotations is a circle;\nframe="input" pins the azimuth by the molecule\'s own '
                "multipoles and makes the set finite."
            )
        return "Ambient: O(3)."
