"""Networks with random weights on symmetric molecules, and what they do to the elements of S: the measuring side of verdicts.py.

A network of e3nn (v2106's ``MessagePassing``, built with a breaker or attached to) or of `sbs.nn.products` looks at a molecule
whose symmetry is S, and every element of S is applied to its outputs. What is rounding is measured as well, by turning molecule
and object by a random element of O(3), which an exact network would follow exactly. An element is *broken* if some draw of the
weights changes the output far more than rounding does, and *kept* if no draw changes it by more than rounding; whatever lies
between asks for further draws.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import numpy as np
import torch
from e3nn import o3
from e3nn.nn.models.v2106.gate_points_message_passing import MessagePassing

import sbs
from sbs.nn import SymmetryBreaker, attach, build, one_graph, site_permutations, turn_outputs, with_breaker
from sbs.nn.products import PRODUCTS
from sbs.nn.products.network import ProductNetwork
from sbs.nn.reach.verdict import Inquiry, kept_elements

GROUPS = [
    *(
        "C2",
        "Cs",
        "Ci",
        "C3",
        "C4",
        "S4",
        "C2v",
        "C2h",
        "D2",
        "D2h",
        "C4h",
        "C4v",
        "D4",
        "D2d",
        "D4h",
        "C3v",
        "D3",
        "S6",
    ),
    *("D3d", "C3h", "D3h", "C6v", "D6", "C6h", "D6h", "T", "Th", "Td", "O", "Oh"),
]
HIDDEN = ["0e", "0o", "1o", "1e", "2e", "2o", "3o"]
OUTPUTS = ["0e", "0o", "1o", "1e", "2e", "2o"]
LARGEST_DEGREE = 4  # of the objects: networks grow with it

E3NN_KINDS = ("built", "input", "attached")
Where = Literal["nodes", "pooled", "sites"]

# Times the measured rounding: changes below the first are rounding, above the second they are not.
ROUNDING, CHANGE = 1e2, 1e4
# Draws of weights for an element that no draw has broken, and at most, where changes lie between the two.
DRAWS, MOST_DRAWS = 3, 12
# Sizes of the weights, in turn.
GAINS = (1.0, 1.7, 3.0, 1.0, 1.3, 1.0)
# Draws with one orbit of a large S; from then on with two and more neighbours.
SMALL = 1
# Each node of a general molecule hears so many others at least.
NEIGHBOURS = 5
EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Design:
    """A kind of network: everything but weights and sets.

    Attributes:
        kind: one of `E3NN_KINDS`, or a product of `sbs.nn.products`.
        breaker: irreps of the objects.
        at: where the object enters, as `can_break` counts.
    """

    kind: str
    breaker: str
    hidden: str
    layers: int
    out: str
    at: Any

    def ask(self, symmetry_set: sbs.MinimalSet, where: Where, positions: np.ndarray | None) -> tuple[Any, np.ndarray]:
        """The verdict on trial, and the elements that fix the object: `can_break` without its advice."""
        product = self.kind if self.kind in PRODUCTS else "clebsch-gordan"
        asked = Inquiry(
            "0e",
            self.hidden,
            self.out,
            symmetry_set,
            layers=self.layers,
            at=self.at,
            pooled=where == "pooled",
            positions=positions if where == "sites" else None,
            tensor_product=PRODUCTS[product].kind,
        )
        return kept_elements(asked)


@cache
def sets_by_irreps() -> dict[str, list[sbs.MinimalSet]]:
    """All finite sets of the groups here, in O(3) and among themselves, by the irreps of their objects."""
    found: dict[str, list[sbs.MinimalSet]] = {}
    for symbol in GROUPS:
        group = sbs.point_group(symbol)
        for each in group.subgroup_classes[:-1]:
            for ambient in ("O(3)", group):
                one = sbs.minimal_set(group, each.representative, ambient=ambient)
                if one.size != np.inf and max(ir.l for _, ir in o3.Irreps(one.irreps)) <= LARGEST_DEGREE:
                    found.setdefault(one.irreps, []).append(one)
    return found


def design(kind: str, rng: np.random.Generator) -> Design:
    """A random kind of network; irreps of objects as often as they are those of sets."""
    sets = sets_by_irreps()
    weights = np.sqrt([len(each) for each in sets.values()])
    breaker = list(sets)[rng.choice(len(sets), p=weights / weights.sum())]
    hidden = "+".join(f"2x{ir}" for ir in HIDDEN if rng.random() < 0.55) or "2x0e"
    layers = int(rng.integers(1, 3))
    out = "+".join(sorted(rng.choice(OUTPUTS, size=1 if rng.random() < 0.75 else 2, replace=False)))
    at: Any = {"input": "input", "attached": int(rng.integers(1, layers + 2))}.get(kind, "attributes")
    return Design(kind, breaker, hidden, layers, out, at)


class Trial:
    """A network of a design: weights drawn anew at will, evaluated on any molecule with any object.

    Raises:
        AssertionError, ValueError, SymmetryBreakingError: e3nn or the library refuse a network like this.
    """

    def __init__(self, design: Design, symmetry_set: sbs.MinimalSet) -> None:
        self.design = design
        self.breaker = SymmetryBreaker(symmetry_set, mode="index")
        lmax = max(ir.l for _, ir in o3.Irreps(design.hidden) + o3.Irreps(design.out))
        self.edges = o3.Irreps.spherical_harmonics(lmax)
        self.attachment = None
        if design.kind in PRODUCTS:
            self.model: Any = ProductNetwork(
                "0e",
                with_breaker("0e", self.breaker),
                design.out,
                tensor_product=design.kind,
                irreps_hidden=design.hidden,
                channels=2,
                layers=design.layers,
            )
            return
        sequence = ["0e", *[o3.Irreps(design.hidden)] * design.layers, design.out]
        options: dict[str, Any] = {
            "irreps_node_sequence": sequence,
            "irreps_node_attr": "0e",
            "irreps_edge_attr": self.edges,
            "fc_neurons": [1, 8],
            "num_neighbors": 6.0,
        }
        if design.kind == "attached":
            self.model = MessagePassing(**options)
            attach(self.model, self.breaker, at=f"layers.{design.at - 1}", graphs=one_graph)
        else:
            self.model = build(MessagePassing, self.breaker, on=design.at, **options)

    def draw(self, seed: int, gain: float = 1.0) -> None:
        """Weights of order one for all layers, those included that start at zero; larger with a gain."""
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for module in self.model.modules():
                size = gain * (module.in_features**-0.5 if isinstance(module, torch.nn.Linear) else 1.0)
                for weight in module.parameters(recurse=False):
                    weight.normal_(0.0, size, generator=generator)

    def sleep(self) -> None:
        """To zero what starts there: e3nn's ``alpha``, the weights of an attachment."""
        with torch.no_grad():
            for name, weight in self.model.named_parameters():
                if "alpha" in name or "symmetry_injection" in name:
                    weight.zero_()

    def inputs(self, positions: np.ndarray, edges: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """What e3nn's network is called with, float64."""
        sites, ones = torch.as_tensor(positions), torch.ones(len(positions), 1, dtype=torch.float64)
        source, target = edges
        vectors = sites[source] - sites[target]
        harmonics = o3.spherical_harmonics(self.edges, vectors, True, normalization="component")
        lengths = vectors.norm(dim=1, keepdim=True)
        return ones, ones, source, target, harmonics * torch.exp(-((lengths / lengths.mean()) ** 2)), lengths

    def __call__(self, positions: np.ndarray, edges: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """(nodes, 3), edges (2, m), an object (1, dim) -> outputs (nodes, dim)."""
        with torch.no_grad():
            if self.design.kind in PRODUCTS:
                ones = torch.ones(len(positions), 1)
                attributes = torch.cat([ones, features.expand(len(ones), -1)], dim=1)
                data = {
                    "pos": torch.as_tensor(positions),
                    "node_input": ones,
                    "node_attr": attributes,
                    "edge_index": edges,
                }
                return self.model(data)
            with self.breaker.choose(features=features):
                return self.model(*self.inputs(positions, edges))


def general_molecule(group: sbs.PointGroup, rng: np.random.Generator, orbits: int = 1) -> np.ndarray:
    """General S-orbits; at least two for small groups, because one orbit of these may have more symmetry than S."""
    count = orbits if group.order >= 20 else max(2, -(-10 // group.order))
    points = rng.normal(size=(count, 3))
    return np.einsum("gij,oj->ogi", group.matrices, points).reshape(-1, 3)


def special_molecule(group: sbs.PointGroup, rng: np.random.Generator) -> np.ndarray:
    """One or two S-orbits of sites on symmetry elements, each fixed by some random subgroup of S."""
    while True:
        orbits = []
        for _ in range(rng.integers(1, 3)):
            classes = group.subgroup_classes
            fixing = classes[rng.integers(len(classes))].representative.matrices
            point = fixing.mean(axis=0) @ rng.normal(size=3)
            orbit = np.asarray(group.matrices) @ point
            new = np.abs(orbit[:, None] - orbit[None]).max(axis=2) < 1e-9
            orbits.append(orbit[np.flatnonzero(new.argmax(axis=1) == np.arange(len(orbit)))])
        sites = np.concatenate(orbits)
        apart = np.linalg.norm(sites[:, None] - sites[None], axis=2) + np.eye(len(sites))
        if 2 <= len(sites) <= 16 and apart.min() > 0.05:
            return sites


def edges_of(positions: np.ndarray, neighbours: int | None) -> torch.Tensor:
    """All pairs within the distance at which every node has so many neighbours; None: all pairs."""
    apart = np.linalg.norm(positions[:, None] - positions[None], axis=2)
    cutoff = np.inf
    if neighbours is not None and neighbours + 1 < len(positions):
        cutoff = float(np.sort(apart, axis=1)[:, neighbours].max()) + 1e-6
    source, target = np.nonzero((apart > 1e-9) & (apart <= cutoff))
    return torch.as_tensor(np.stack([source, target]))


def random_turn(rng: np.random.Generator) -> np.ndarray:
    """An element of O(3)."""
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return turn * rng.choice([-1.0, 1.0])


@dataclass
class Finding:
    """What the draws so far say about one kind of output.

    Attributes:
        broken: elements that some draw has broken.
        unclear: elements whose change was neither rounding nor clear in some draw.
        nonzero, unclear_zero: the same for the output itself.
    """

    broken: np.ndarray
    unclear: np.ndarray
    nonzero: bool = False
    unclear_zero: bool = False
    draws: int = field(default=0)

    def take(self, changes: np.ndarray, size: float, rounding: float) -> None:
        """Add a draw: the change that each element makes, the output's size, and its rounding."""
        self.broken |= changes > CHANGE * rounding
        self.unclear |= changes > ROUNDING * rounding
        self.nonzero |= size > CHANGE * rounding
        self.unclear_zero |= size > ROUNDING * rounding
        self.draws += 1

    def settled(self, fixing: np.ndarray, draws: int) -> bool:
        """Whether further draws would tell nothing new."""
        if self.nonzero and (self.broken | fixing).all():
            return True
        return self.draws >= draws and (not self.doubtful or self.draws >= MOST_DRAWS)

    @property
    def doubtful(self) -> bool:
        """Whether some change was neither rounding nor clear."""
        return bool((self.unclear & ~self.broken).any()) or (self.unclear_zero and not self.nonzero)


def measure(
    trial: Trial,
    symmetry_set: sbs.MinimalSet,
    special: np.ndarray | None,
    rng: np.random.Generator,
    draws: int = DRAWS,
) -> dict[str, Finding]:
    """What random weights do to the elements of S, for outputs of the nodes and of the whole.

    Args:
        special: (nodes, 3) of a molecule; None for one with general orbits, a new one for each draw.
        draws: of the weights, for an element that no draw has broken.
    """
    matrices = np.asarray(symmetry_set.group.matrices)
    features = trial.breaker.features_of(symmetry_set.objects[:1])
    irreps = str(trial.breaker.irreps)
    images = torch.as_tensor(sbs.representation(irreps, matrices)) @ features[0]
    fixing = ((images - features).abs().amax(dim=1) < 1e-9).numpy()
    # Stored objects may be a rounding error away from the space that their stabilizer fixes.
    features = images[torch.as_tensor(fixing)].mean(dim=0, keepdim=True)
    out = trial.design.out
    found = {where: Finding(*np.zeros((2, len(matrices)), dtype=bool)) for where in ("nodes", "pooled")}
    while not all(each.settled(fixing, draws) for each in found.values()):
        # What only a high power of the object shows is far below rounding where features are small.
        trial.draw(int(rng.integers(2**31)), GAINS[found["nodes"].draws % len(GAINS)])
        # What a small molecule keeps may be an accident of its own, as when it falls into planes that do not hear each other.
        rich = found["nodes"].draws >= SMALL
        positions = general_molecule(symmetry_set.group, rng, 2 if rich else 1) if special is None else special
        edges = edges_of(positions, (2 if rich else 1) * NEIGHBOURS if special is None else None)
        moves = site_permutations(positions, matrices)
        nodes = trial(positions, edges, features)
        turn = random_turn(rng)
        forth, back = (torch.as_tensor(sbs.representation(each, turn[None])[0]) for each in (irreps, plain(out)))
        again = trial(positions @ turn.T, edges, features @ forth.T) @ back
        for where, finding in found.items():
            pooled = where == "pooled"
            output, other = (each.sum(dim=0, keepdim=True) if pooled else each for each in (nodes, again))
            least = EPSILON * float(nodes.abs().max()) * (len(nodes) ** 0.5 if pooled else 1.0)
            rounding = max(least, float((other - output).abs().max()))
            changes = (turn_outputs(output, out, matrices, None if pooled else moves) - output).abs().amax(dim=(1, 2))
            finding.take(changes.numpy(), float(output.abs().max()), rounding)
    return found


class Called(torch.nn.Module):
    """A network that takes all its inputs as one, and may add up its outputs: what `effect` can call."""

    def __init__(self, model: torch.nn.Module, pooled: bool) -> None:
        super().__init__()
        self.model = model
        self.pooled = pooled

    def forward(self, inputs: tuple[torch.Tensor, ...]) -> torch.Tensor:
        """Outputs (nodes, dim), or (1, dim)."""
        found: torch.Tensor = self.model(*inputs)
        return found.sum(dim=0, keepdim=True) if self.pooled else found


def plain(irreps: str) -> str:
    """Irreps with multiplicities, as `sbs.representation` reads them."""
    return "+".join(f"{mul}x{ir}" for mul, ir in o3.Irreps(irreps))
