"""``sbs.isotropy``: the subgroups that one order parameter, or several coupled ones, can leave of a crystal's symmetry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbs.errors import DetectionError, UnknownGroupError
from sbs.groups import Subgroup
from sbs.groups.abstract.immutability import ComparedByValue
from sbs.objects.arrangements import Fingerprints, Flat, Image, flats, image_of
from sbs.progress import tick
from sbs.structures.child_groups import ChildSpaceGroup, child_space_group
from sbs.structures.crystal_in_cell import CrystalInCell
from sbs.structures.listing import Listing
from sbs.structures.mode_table import count_modes, list_modes
from sbs.structures.order_parameters import direction, order_parameter
from sbs.structures.space_irreps import space_irrep

__all__ = ["IsotropySubgroup", "IsotropySubgroups", "list_isotropy_subgroups", "target_row"]

COLUMNS = (
    ("direction", "direction"),
    ("space_group", "space group"),
    ("number", "number"),
    ("index", "index"),
    ("orientation_states", "orientation"),
    ("antiphase_states", "antiphase"),
    ("cell", "cell"),
    ("free", "free"),
)


#: The eleven pairs of space groups that are mirror images: P4_1 and P4_3 to P4_332 and P4_132.
RIGHT_HANDED = {76: 78, 91: 95, 92: 96, 144: 145, 151: 153, 152: 154, 169: 170, 171: 172, 178: 179, 180: 181, 212: 213}


@dataclass(frozen=True, eq=False, repr=False)
class IsotropySubgroup(ComparedByValue):
    """One class of isotropy subgroups.

    Attributes:
        label: the order parameters and the direction, "R4+ (a,a,0)".
        irreps: labels of the order parameters.
        direction: a general point of the flat, "(a,a,0)"; several order parameters are divided by a bar.
        space_group: what is left: number, symbol, basis and origin against the parent.
        target: the subgroup K of S; what every other function takes as target.
        index: |S| / |K|, the number of domain states.
        orientation_states: how many orientations these have, |P| / |P_K|.
        antiphase_states: how many states share one orientation; they differ by a translation.
        cell: primitive cells of the parent in a primitive cell of the child.
        free: number of free amplitudes, the dimension of the flat.
        flat: float64 (d, free), an orthonormal basis of it in the coordinates of the order parameters.
    """

    label: str
    irreps: tuple[str, ...]
    direction: str
    space_group: ChildSpaceGroup
    target: Subgroup
    index: int
    orientation_states: int
    antiphase_states: int
    cell: int
    free: int
    flat: NDArray[np.float64]

    @property
    def domains(self) -> tuple[int, int]:
        """Orientation states and antiphase states of each: their product is the index."""
        return self.orientation_states, self.antiphase_states

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other names of the row in its list: the direction alone, and the symbol of the space group."""
        return self.direction, self.space_group.symbol

    def as_dict(self) -> dict[str, Any]:
        """Plain values by name."""
        return {
            "label": self.label,
            "irreps": list(self.irreps),
            "direction": self.direction,
            "space_group": self.space_group.symbol,
            "number": self.space_group.number,
            "basis": self.space_group.basis.tolist(),
            "origin": self.space_group.origin.tolist(),
            "index": self.index,
            "orientation_states": self.orientation_states,
            "antiphase_states": self.antiphase_states,
            "cell": self.cell,
            "free": self.free,
            "order": self.target.order,
        }

    def __repr__(self) -> str:
        return f"IsotropySubgroup({self.label}: {self.space_group.symbol} ({self.space_group.number}), index {self.index})"


class IsotropySubgroups(Listing[IsotropySubgroup]):
    """Isotropy subgroups, one row for each class under S. Obtain them from `sbs.isotropy`."""


def list_isotropy_subgroups(crystal: CrystalInCell, *labels: str) -> IsotropySubgroups:
    """The rows of `sbs.isotropy`.

    Args:
        crystal: detected in a supercell.
        labels: irreducible representations.

    Raises:
        UnknownGroupError: a label that does not exist; those that do are listed.
        DetectionError: no label, one given twice, or a representation that neither displacements nor strains have a part in.
        SearchLimitError: the group, or the number of isotropy subgroups, is too large.
    """
    group = crystal.group
    if not labels:
        known = ", ".join(mode.label for mode in list_modes(crystal))
        raise DetectionError(f"no order parameter was named; expected labels such as those of sbs.modes: {known}")
    irreps = [space_irrep(crystal, label) for label in labels]
    for mode in count_modes(crystal, irreps):
        if not mode.multiplicity and not mode.strain:
            moving = sorted(mode.label for mode in list_modes(crystal))
            raise DetectionError(
                f"no displacement and no strain of this crystal belongs to {mode.label}; expected one of "
                f"{', '.join(moving)}: see sbs.modes"
            )
    if len({irrep.label for irrep in irreps}) < len(irreps):
        raise DetectionError(f"the order parameters {', '.join(labels)} are not different; name each once")
    parameters = [order_parameter(crystal, irrep) for irrep in irreps]
    if len(parameters) == 1:
        image, spaces = parameters[0].image, parameters[0].flats
    else:
        image = _joint(crystal, [p.image for p in parameters])
        spaces = flats(image)
    blocks = [irrep.dimension for irrep in irreps]
    names = tuple(irrep.label for irrep in irreps)
    proper = [flat for flat in spaces if int(flat.fixer.sum()) < len(image.representatives)]
    fingerprints = Fingerprints(image.matrices)
    rows = []
    for number, flat in enumerate(proper):
        tick("space groups", number, len(proper))
        rows.append(_row(crystal, names, blocks, image, fingerprints, flat))
    rows.sort(key=lambda row: (row.index, -row.space_group.number, row.direction))
    space = crystal.supercell.setting.space_group
    title = f"Isotropy subgroups of {space.symbol} ({space.number}), {' + '.join(names)}, order {group.order}"
    return IsotropySubgroups(title, rows, COLUMNS)


def _joint(crystal: CrystalInCell, images: list[Image]) -> Image:
    """The image of S in a direct sum, in the frames of the parts."""
    sizes = [image.matrices.shape[1] for image in images]
    edges = np.cumsum([0, *sizes])

    def matrices(elements: NDArray[np.intp]) -> NDArray[np.float64]:
        result = np.zeros((len(elements), edges[-1], edges[-1]))
        for image, a, b in zip(images, edges[:-1], edges[1:], strict=True):
            result[:, a:b, a:b] = image.matrices[image.number[elements]]
        return result

    numbers = np.stack([image.number for image in images], axis=1).astype(np.float64)
    return image_of(numbers, crystal.group.multiply, matrices)


def _row(
    crystal: CrystalInCell,
    names: tuple[str, ...],
    blocks: list[int],
    image: Image,
    fingerprints: Fingerprints,
    flat: Flat,
) -> IsotropySubgroup:
    found = crystal.supercell
    assert found is not None
    group = crystal.group
    kept = Subgroup.from_elements(group, np.flatnonzero(flat.fixer[image.number]))
    space, basis = child_space_group(found, kept), flat.basis
    chiral = space.number in RIGHT_HANDED.values()
    reflections = np.flatnonzero(np.linalg.det(crystal.matrices) < 0) if chiral else np.zeros(0, dtype=np.intp)
    if len(reflections):
        # Of two members of one class that are mirror images the one of the lower number stands for both.
        kept = kept.conjugate(int(reflections[0]))
        space, basis = child_space_group(found, kept), image.matrices[image.number[reflections[0]]] @ basis
    index = int(group.order) // kept.order
    left = len(np.unique(found.rotation_of[kept.elements]))
    orientations = found.point_group.order // left
    where = direction(blocks, image.matrices, fingerprints, basis)
    basis = basis.copy()
    basis.setflags(write=False)
    return IsotropySubgroup(
        label=f"{'|'.join(names)} {where}",
        irreps=names,
        direction=where,
        space_group=space,
        target=kept,
        index=index,
        orientation_states=orientations,
        antiphase_states=index // orientations,
        cell=found.translations * left // kept.order,
        free=flat.basis.shape[1],
        flat=basis,
    )


def target_row(crystal: CrystalInCell, label: str) -> IsotropySubgroup:
    """The row of a label such as "R4+ (a,a,0)".

    Raises:
        UnknownGroupError: the label has no such form, or no row answers to it.
    """
    head, space, where = label.strip().partition(" ")
    if not space:
        raise UnknownGroupError(f"{label!r} names no isotropy subgroup; expected order parameters and a direction, 'R4+ (a,a,0)'")
    return list_isotropy_subgroups(crystal, *head.split("|"))[where.strip()]
