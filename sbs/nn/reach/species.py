"""Which of the 212 species of Aizu a network can break, for each tensor product, degree and depth: the documentation's table.

    python -m sbs.nn.reach.species [--out docs]

writes ``tensor_products.md`` and ``data/tensor_products.json``. The networks are those of `sbs.nn.can_break` with hidden
irreps of both parities up to a degree and one displacement (1o) for each node, in general position; the objects are those of
the minimal set of the species.

For a Gaunt product there is a second route to the answer, without any network (`lost_to_gaunt`). Natural signals (parity
(-1)^l) and pseudo signals multiply like +1 and -1. In these networks pseudotensors never arise from the natural input, so
displacements depend on the natural part of an object only; in any other Gaunt network they depend on the
pseudotensor part in pairs, and an element of S that turns its sign alone is kept, whatever the weights, degrees and layers.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np

from sbs.nn.products.selection import Kind
from sbs.nn.reach.verdict import Inquiry, kept_elements
from sbs.objects.irreps import parse_irreps
from sbs.objects.representation import representation
from sbs.query import minimal_set
from sbs.sets.minimal_set import MinimalSet
from sbs.tables.catalogue import CRYSTAL_SYSTEMS
from sbs.tables.group_table import table

__all__ = ["Case", "Species", "all_species", "cases", "lost_to_gaunt", "main", "page", "reached"]

OUTPUT = "1o"

# Images of an object that are equal: objects have unit norm and come from matrices exact to 1e-12.
_SAME = 1e-9

_DEGREES = (1, 2, 3)
_LAYERS = (1, 2)
#: Kinds with different paths; "complete" and "vector-signal" have those of "clebsch-gordan".
_KINDS: tuple[Kind, ...] = ("gaunt", "complete")


@dataclass(frozen=True)
class Species:
    """A pair (S, K): Aizu's symbol, Schoenflies symbol of S, label of K, and the irreps of the minimal set."""

    symbol: str
    group: str
    target: str
    irreps: str

    @property
    def set(self) -> MinimalSet:
        """The minimal set."""
        return minimal_set(self.group, self.target)


@dataclass(frozen=True)
class Case:
    """A kind of network: tensor product, largest degree of hidden irreps, and layers."""

    product: Kind
    lmax: int
    layers: int

    @property
    def hidden(self) -> str:
        """Hidden irreps of both parities."""
        return "+".join(f"{l}{p}" for l in range(self.lmax + 1) for p in "eo")


@cache
def all_species() -> tuple[Species, ...]:
    """The 212 species, in the order of crystal systems and groups; the first class of subgroups stands for each."""
    found: dict[str, Species] = {}
    for group in (symbol for members in CRYSTAL_SYSTEMS.values() for symbol in members):
        for row in table(group):
            if row.aizu is not None and row.aizu not in found:
                found[row.aizu] = Species(row.aizu, group, row.label, row.irreps)
    return tuple(found.values())


def cases() -> tuple[Case, ...]:
    """The columns of the table."""
    return tuple(Case(product, lmax, layers) for product in _KINDS for lmax in _DEGREES for layers in _LAYERS)


def reached(species: Species, case: Case) -> bool:
    """Whether displacements can have exactly the symmetry K: `sbs.nn.can_break` for this network."""
    asked = Inquiry("0e", case.hidden, OUTPUT, species.set, tensor_product=case.product, layers=case.layers)
    answer, fixing = kept_elements(asked)
    return bool((answer.kept == fixing).all())


def lost_to_gaunt(species: Species) -> tuple[bool, bool]:
    """Whether K is out of reach for displacements of a Gaunt network, by symmetry alone.

    Returns:
        For networks of this kind, where the natural part of the object has a larger symmetry in S than the whole; and for
        every Gaunt network, where an element of S turns the sign of the pseudotensor part, and no more.
    """
    answer = species.set
    given = np.asarray(answer.sample(1, 0) if math.isinf(answer.size) else answer.objects[:1])[0]
    natural = np.array([ir.natural for mul, ir in parse_irreps(species.irreps) for _ in range(mul * (2 * ir.l + 1))])
    images = representation(species.irreps, answer.group.matrices) @ given
    fixing = np.abs(images - given).max(axis=1) < _SAME
    fixing_natural = (np.abs(images - given) * natural).max(axis=1) < _SAME
    turning = np.abs(images - np.where(natural, given, -given)).max(axis=1) < _SAME
    return bool((fixing_natural & ~fixing).any()), bool((turning & ~fixing).any())


def compute(track: Callable[[Sequence[Species]], Iterable[Species]] = iter) -> dict[str, object]:
    """The table as plain data: columns, and for each species whether each column's network reaches it."""
    columns = cases()
    rows = [
        {
            **asdict(species),
            "needs_pseudotensors": lost_to_gaunt(species)[0],
            "lost_to_every_gaunt_network": lost_to_gaunt(species)[1],
            "reached": [reached(species, case) for case in columns],
        }
        for species in track(all_species())
    ]
    return {
        "source": "python -m sbs.nn.reach.species",
        "output": OUTPUT,
        "columns": [asdict(case) for case in columns],
        "species": rows,
    }


def page(data: dict[str, object]) -> str:
    """The documentation's page, in Markdown."""
    columns = [Case(**column) for column in data["columns"]]  # type: ignore[attr-defined]
    rows: list[dict[str, object]] = data["species"]  # type: ignore[assignment]
    total = len(rows)

    def count(number: int) -> int:
        return sum(row["reached"][number] for row in rows)  # type: ignore[index]

    lines = [
        f"| {case.product} | {case.lmax} | {case.layers} | {count(number)} | {total - count(number)} |"
        for number, case in enumerate(columns)
    ]
    number = columns.index(Case("gaunt", 2, 2))
    always = sum(bool(row["lost_to_every_gaunt_network"]) for row in rows)
    lost = [row for row in rows if not row["reached"][number]]  # type: ignore[index]
    listed = [
        f"| {row['symbol']} | {row['group']} | {row['target']} | {row['irreps']} | "
        f"{'every' if row['lost_to_every_gaunt_network'] else 'this kind'} |"
        for row in lost
    ]
    return f"""# Tensor products and what they can break

A network carries the asymmetry of a symmetry-breaking object to its output by tensor products. Products differ in the
interactions (l1, l2, l3) that they have. Clebsch–Gordan products, and the complete product on a grid, have all with
|l1 − l2| ≤ l3 ≤ l1 + l2, each with an output of its own. The Gaunt product multiplies functions on the sphere: it is
cheaper because it has only those with l1 + l2 + l3 even, and adds all pairs (l1, l2) into one output for each l3. The
vector-signal product has all interactions, with two outputs for each l3. `sbs.nn.products` has them all behind one
interface; what they cost is in `benchmarks/RESULTS.md`. Two measures say what they give, both exact.

*Interactability* is the number of triples with l1, l2 ≤ L. *Expressivity* is the dimension of the set of equivariant
bilinear maps that linear layers before and behind the product reach, for one copy of each natural irrep up to L
(definitions of [Xie et al. 2025](https://arxiv.org/abs/2506.13523)).

{_capacity_table()}

## Which of the 212 species can a network reach?

Networks with hidden irreps of both parities up to l, some gated layers and one displacement (1o) for each node, in general
position; objects of the minimal set of each species. "complete" stands for Clebsch–Gordan and vector-signal products
too, which have the same interactions.

| product | l up to | layers | species reached | not reached |
|---|---|---|---|---|
{chr(10).join(lines)}

The reason is symmetry, not size. The features of a Gaunt network fall into tensors with the parity (−1)^l of the spherical
harmonics and pseudotensors, which multiply like +1 and −1; displacements, edges and the input belong to the first. In
networks of this kind a layer has those irreps that the edges make of the layer before, so pseudotensors never arise, and
the pseudotensor part of an object is not seen. In any other Gaunt network it is seen in pairs: an operation of S that
turns its sign, and nothing else, is kept. That alone puts {always} species out of reach for every degree, depth, width
and layout. Remedies: an object without pseudotensors (a larger one than the minimal set's), pseudotensors among the
outputs, or a product with odd interactions.

The {len(lost)} species that a Gaunt network with l ≤ 2 and two layers does not reach, and whether that holds for Gaunt
networks of this kind or for every one:

| species | S | K | irreps of the object | out of reach for |
|---|---|---|---|---|
{chr(10).join(listed)}

All verdicts: [tensor_products.json](data/tensor_products.json). Both are written by `{data["source"]}`.
"""


def _capacity_table() -> str:
    from e3nn import o3

    from sbs.nn.products.capacity import expressivity, interactability

    names = ("clebsch-gordan", "gaunt", "vector-signal", "complete")
    head = "| L | " + " | ".join(f"{name}: triples, maps" for name in names) + " |\n" + "|---" * (len(names) + 1) + "|"
    lines = []
    for lmax in range(1, 7):
        irreps = o3.Irreps.spherical_harmonics(lmax)
        entries = [f"{len(interactability(name, lmax))}, {expressivity(name, irreps, irreps)}" for name in names]
        lines.append(f"| {lmax} | " + " | ".join(entries) + " |")
    return "\n".join([head, *lines])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m sbs.nn.reach.species", description="Write the table of species.")
    parser.add_argument("--out", type=Path, default=Path("docs"), help="folder of the documentation's pages")
    options = parser.parse_args(arguments)
    data = compute()
    (options.out / "data").mkdir(parents=True, exist_ok=True)
    rows = [json.dumps(row, ensure_ascii=False) for row in data.pop("species")]  # type: ignore[attr-defined]
    head = json.dumps(data, ensure_ascii=False)[:-1]
    text = f'{head}, "species": [\n' + ",\n".join(rows) + "\n]}\n"
    (options.out / "data" / "tensor_products.json").write_text(text, encoding="utf-8")
    (options.out / "tensor_products.md").write_text(page(json.loads(text)), encoding="utf-8")
    print(f"{len(rows)} species, {len(cases())} kinds of network: {options.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
