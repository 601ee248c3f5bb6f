"""The tree of phases below a symmetric structure: records, and how they print, plot and are written."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbs.errors import DetectionError, UnknownGroupError
from sbs.groups import Subgroup
from sbs.groups.abstract.validation import check_bool, check_integer
from sbs.optional import require
from sbs.phases.instabilities import Instabilities
from sbs.phases.journal import checked_path
from sbs.phases.states import State
from sbs.query import minimal_set
from sbs.sets.minimal_set import MinimalSet
from sbs.structures.crystal import SpaceGroup
from sbs.structures.detected import Detected
from sbs.structures.inputs import Structure

__all__ = ["Failure", "Phase", "PhaseTree", "Repeat"]

Floats = NDArray[np.float64]

_MILLI = 1000.0


@dataclass(frozen=True, eq=False)
class Phase:
    """A relaxed phase, an extremum of the energy inside Fix(K).

    Attributes:
        number: its place in the tree, 0 for the parent.
        above: number of the phase that it was reached from; None for the parent.
        route: irrep and direction of each step from the parent, ("R4+ (a,a,0)", ...).
        target: K, the subgroup of the parent's S that is left.
        space_group: of the relaxed crystal; None for a molecule.
        point_group: Schoenflies symbol.
        energy: eV per formula unit, parent = 0 (with the work of the pressure, if one is applied).
        structure: relaxed, in a primitive cell of K, oriented as the parent.
        state: displacements and strain in the parent's cell.
        modes: amplitude A_s (Å, in the primitive cell of K) of each irrep of the parent that takes part.
        curvatures: what the Hessian says in all irreps of K; None where it was not computed.
        calls: evaluations of the calculator that relaxing it took.
        atom_calls: sites times evaluations.
        collapsed: what K was asked, where the relaxation ended in a higher symmetry; empty otherwise.
    """

    number: int
    above: int | None
    route: tuple[str, ...]
    target: Subgroup
    space_group: SpaceGroup | None
    point_group: str
    energy: float
    structure: Structure
    state: State
    modes: dict[str, float]
    curvatures: Instabilities | None
    calls: int
    atom_calls: int
    collapsed: str = ""

    @property
    def stable(self) -> bool | None:
        """Whether it is a minimum in the parent's cell; None where that was not computed, or not resolved."""
        if self.curvatures is None:
            return None
        if self.curvatures.unstable:
            return False
        return None if self.curvatures.doubtful else True

    @property
    def domains(self) -> int:
        """Number of domain states, |S| / |K|."""
        return self.target.parent.order // self.target.order

    @property
    def strain(self) -> Floats:
        """Strain against the parent, float64 (3, 3)."""
        return self.state.strain

    @property
    def name(self) -> str:
        """Space group, or point group of a molecule."""
        return self.point_group if self.space_group is None else self.space_group.symbol

    def breaker(self) -> MinimalSet:
        """The smallest equivariant symmetry-breaking set that leads from the parent to this phase."""
        return minimal_set(self.state.parent, self.target)

    def domain_states(self) -> tuple[Structure, ...]:
        """All symmetry-equivalent structures in the parent's cell, this one first: |S| / |K|."""
        moved, stretches = self.state.images()
        origin = self.state.parent.structure
        return tuple(
            replace(
                origin,
                positions=(origin.positions + moved[g]) @ stretches[g],
                lattice=None if origin.lattice is None else origin.lattice @ stretches[g],
            )
            for g in self.target.transversal().tolist()
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings."""
        return {
            "number": self.number,
            "above": self.above,
            "route": list(self.route),
            "space_group": None if self.space_group is None else self.space_group.symbol,
            "space_group_number": None if self.space_group is None else self.space_group.number,
            "point_group": self.point_group,
            "energy_ev_per_formula_unit": self.energy,
            "stable": self.stable,
            "unstable_irreps": [] if self.curvatures is None else [m.label for m in self.curvatures.unstable],
            "domains": self.domains,
            "amplitudes_angstrom": self.modes,
            "strain": self.strain.tolist(),
            "calls": self.calls,
            "atom_calls": self.atom_calls,
            "collapsed_from": self.collapsed,
            "lattice": None if self.structure.lattice is None else self.structure.lattice.tolist(),
            "positions": self.structure.positions.tolist(),
            "numbers": self.structure.atomic_numbers.tolist(),
        }

    def __repr__(self) -> str:
        return f"Phase({self.name}, {self.energy * _MILLI:.1f} meV per formula unit, {self.domains} domain states)"


@dataclass(frozen=True, eq=False)
class Failure:
    """A direction that gave no phase: what was tried and why it failed."""

    route: tuple[str, ...]
    reason: str


@dataclass(frozen=True, eq=False)
class Repeat:
    """A direction that relaxed to what was known already, up to S.

    Attributes:
        route: irrep and direction of each step.
        number: of the phase that it relaxed to; 0 for the parent.
        name: its space group, or point group.
    """

    route: tuple[str, ...]
    number: int
    name: str


@dataclass(frozen=True, eq=False)
class PhaseTree:
    """All phases that were found. Obtain one from ``sbs.descend``.

    Attributes:
        parent: the symmetric structure on its saddle, in its cell, with S.
        phases: relaxed phases, the lowest first; the parent is not among them.
        root: the parent as a phase.
        failures: directions that gave none.
        repeats: directions that relaxed back to the parent or to a phase that was known.
        complete: False if the budget or the depth ended the search; ``limit`` says which.
        limit: what ended it, empty if nothing did.
        calls, atom_calls: evaluations, and sites times evaluations, in all.
    """

    parent: Detected
    root: Phase
    phases: tuple[Phase, ...]
    failures: tuple[Failure, ...]
    repeats: tuple[Repeat, ...]
    complete: bool
    limit: str
    calls: int
    atom_calls: int

    @property
    def lowest(self) -> Phase:
        """The phase of lowest energy; the parent itself if nothing is below it."""
        return self.phases[0] if self.phases and self.phases[0].energy < 0 else self.root

    def __len__(self) -> int:
        return len(self.phases)

    def __iter__(self) -> Iterator[Phase]:
        return iter(self.phases)

    def __getitem__(self, key: int | str) -> Phase:
        """A phase by its place, the lowest first, or by its name, of several the lowest: ``tree["Pnma"]``.

        Raises:
            UnknownGroupError: no phase has the name.
            InvalidGroupError: no place of a phase, and no name.
        """
        if isinstance(key, str):
            for phase in self.phases:
                if phase.name == key:
                    return phase
            names = ", ".join(dict.fromkeys(phase.name for phase in self.phases)) or "none"
            raise UnknownGroupError(f"no phase below {self.root.name} is called {key!r}; found were {names}")
        return self.phases[check_integer(key, "the place of a phase", -len(self), len(self) - 1)]

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings."""
        return {
            "formula": self.parent.structure.formula,
            "complete": self.complete,
            "limit": self.limit,
            "calls": self.calls,
            "atom_calls": self.atom_calls,
            "parent": self.root.to_dict(),
            "phases": [phase.to_dict() for phase in self.phases],
            "failures": [{"route": list(f.route), "reason": f.reason} for f in self.failures],
            "repeats": [{"route": list(r.route), "number": r.number, "name": r.name} for r in self.repeats],
        }

    def to_json(self, indent: int | None = 2) -> str:
        """`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False)

    def to_pandas(self) -> Any:
        """One row for each phase, as a pandas DataFrame (needs pandas)."""
        return require("pandas", "relax").DataFrame([phase.to_dict() for phase in self.phases])

    def __repr__(self) -> str:
        return f"PhaseTree({self.parent.structure!r}, {len(self.phases)} phases, lowest {self.lowest!r})"

    def __str__(self) -> str:
        title = f"{self.parent.structure.formula}: {len(self.phases)} phases below {self.root.name}"
        title += f" ({self.calls} evaluations, {self.atom_calls} sites × evaluations)"
        rows = [("phase", "meV / f.u.", "stable", "domains", "calls", "amplitudes / Å", "from")]
        for phase in (*self.phases, self.root):
            rows.append(
                (
                    phase.name,
                    f"{phase.energy * _MILLI:.1f}",
                    {True: "yes", False: "no", None: "?"}[phase.stable],
                    str(phase.domains),
                    str(phase.calls),
                    " ".join(f"{label} {value:.3f}" for label, value in phase.modes.items()),
                    " > ".join(phase.route) + (f" ({phase.collapsed})" if phase.collapsed else ""),
                )
            )
        widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
        right = (1, 3, 4)
        lines = [title]
        for row in rows:
            cells = [c.rjust(w) if k in right else c.ljust(w) for k, (c, w) in enumerate(zip(row, widths, strict=True))]
            lines.append("  ".join(cells).rstrip())
        if self.root.stable:
            lines.append("nothing is unstable in this cell: the parent is a minimum here")
        for name in dict.fromkeys(repeat.name for repeat in self.repeats):
            routes = "; ".join(" > ".join(repeat.route) for repeat in self.repeats if repeat.name == name)
            lines.append(f"relaxed back to {name}: {routes}")
        lines += [f"failed: {' > '.join(failure.route)}: {failure.reason}" for failure in self.failures]
        for phase in (*self.phases, self.root):
            if phase.curvatures is not None and phase.curvatures.doubtful:
                lines.append(
                    f"not resolved: {', '.join(mode.label for mode in phase.curvatures.doubtful)} of {phase.name} (the forces "
                    f"of the calculator resolve {phase.curvatures.resolution:.1f} THz; try a larger step)"
                )
        if not self.complete:
            lines.append(f"not complete: {self.limit}")
        return "\n".join(lines)

    def plot(self) -> Any:
        """Energies of the phases, each below the one it was reached from, as a matplotlib Figure."""
        figure_class = require("matplotlib.figure", "relax").Figure
        figure = figure_class(figsize=(7, 4.5), layout="constrained")
        axes = figure.add_subplot()
        by_number = {phase.number: phase for phase in (self.root, *self.phases)}
        for phase in by_number.values():
            depth = len(phase.route)
            colour = {True: "tab:green", False: "tab:orange", None: "0.5"}[phase.stable]
            axes.plot([depth - 0.3, depth + 0.3], [phase.energy * _MILLI] * 2, color=colour, linewidth=2)
            axes.annotate(
                phase.name, (depth + 0.32, phase.energy * _MILLI), va="center", fontsize="small", annotation_clip=False
            )
            above = None if phase.above is None else by_number.get(phase.above)
            if above is not None:
                axes.plot(
                    [len(above.route) + 0.3, depth - 0.3],
                    [above.energy * _MILLI, phase.energy * _MILLI],
                    color="0.8",
                    linewidth=0.8,
                    zorder=0,
                )
        axes.set_xticks(range(1 + max(len(phase.route) for phase in by_number.values())))
        axes.set_xlabel("steps from the parent")
        axes.set_ylabel("energy / meV per formula unit")
        axes.set_title(f"{self.parent.structure.formula}: green is a minimum, orange unstable, grey not examined")
        axes.margins(x=0.15)
        return figure

    def write(self, folder: str | os.PathLike[str], domains: bool = False) -> list[Path]:
        """Write every phase as CIF and extxyz (layers and molecules as extxyz), and ``phases.json``.

        Args:
            folder: is made if it does not exist.
            domains: write every domain state, too, in the parent's cell as extxyz.

        Returns:
            The paths written.

        Raises:
            DetectionError: the folder cannot be written to.
            InvalidGroupError: no path, or no switch.
        """
        writer = require("ase.io", "relax").write
        place = checked_path(folder, "folder")
        check_bool(domains, "domains")
        try:
            place.mkdir(parents=True, exist_ok=True)
            paths = [place / "phases.json"]
            paths[0].write_text(self.to_json() + "\n", encoding="utf-8")
            for phase in (self.root, *self.phases):
                stem = f"{phase.number:02d}_{phase.name.replace('/', '_')}"
                formats = ("cif", "extxyz") if phase.structure.kind == "crystal" else ("extxyz",)
                for suffix in formats:
                    paths.append(place / f"{stem}.{suffix}")
                    writer(str(paths[-1]), phase.structure.to_ase(), format=suffix)
                if domains and phase is not self.root:
                    paths.append(place / f"{stem}_domains.extxyz")
                    writer(str(paths[-1]), [state.to_ase() for state in phase.domain_states()], format="extxyz")
        except OSError as error:
            raise DetectionError(f"{os.fspath(folder)!r} cannot be written to ({error}); give another folder") from error
        return paths
