"""The question of `sbs.nn.can_break` with numbers in: which elements of S does the output of a random network keep?

Rounding is measured, not guessed: the network is evaluated a second time in a turned frame, which an exact one would
follow exactly. A change far above that is a change; one that is not, in several draws of the weights, is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from e3nn import o3

from sbs.nn.reach.geometry import Geometry
from sbs.nn.reach.surrogate import Network, Surrogate
from sbs.objects.representation import representation

__all__ = ["SAME_OBJECT", "Answer", "Question"]

# Images of an object that differ by less are the same object.
SAME_OBJECT = 1e-9

# Times the measured rounding: a change above the first is one, below the second is none; for what lies between, other
# weights are drawn. A path through random weights stands about 1e12 times above rounding.
CHANGE, NO_CHANGE = 1e4, 1e2

# Draws of the weights until what no draw has changed counts as kept, and at most, where changes lie between the two.
DRAWS, MOST_DRAWS = 3, 8

_SEED = 7
_EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Answer:
    """Which elements of S leave the output as it is, a subgroup for a finite S, and whether the output vanishes."""

    kept: np.ndarray
    zero: bool


@dataclass(frozen=True, eq=False)
class Question:
    """A network on some nodes, and an object.

    Attributes:
        network: what it is made of.
        geometry: a generic cluster (``moves`` is None), for which S moves the object; or a structure that S leaves as it is.
        matrices: float64 (|S|, 3, 3).
        moves: int (|S|, nodes), where S takes the nodes of a structure.
        table: Cayley table of S; None for samples of an infinite S.
        object: float64 (dim,), or a field (nodes, dim), as features.
        fixing: bool (|S|,), elements that fix it.
        pooled: the output is the sum over the nodes (of the whole S-orbit of the cluster).
    """

    network: Network
    geometry: Geometry
    matrices: np.ndarray
    moves: np.ndarray | None
    table: np.ndarray | None
    object: np.ndarray
    fixing: np.ndarray
    pooled: bool

    @cached_property
    def images(self) -> np.ndarray:
        """Images of the object under S, (|S|, ...)."""
        turned = np.einsum("gij,...j->g...i", self._action(self.network.irreps_breaker), self.object)
        if self.object.ndim == 1 or self.moves is None:
            return turned
        result = np.empty_like(turned)
        np.put_along_axis(result, self.moves[:, :, None], turned, axis=1)
        return result

    def answer(self, hidden: o3.Irreps, draws: int = DRAWS) -> Answer:
        """What a network with these hidden irreps keeps; fewer draws for a quick look."""
        broken, unclear = np.zeros((2, len(self.matrices)), dtype=bool)
        nonzero = False
        for draw, (values, rounding) in enumerate(self._outputs(hidden, self._asked()), start=1):
            changes, size, rounding = self._changes(values, rounding)
            broken |= changes > CHANGE * rounding
            unclear = (unclear | (changes > NO_CHANGE * rounding)) & ~broken
            nonzero = nonzero or size > CHANGE * rounding
            if nonzero and (broken | self.fixing).all():
                break
            doubtful = unclear.any() or (not nonzero and size > NO_CHANGE * rounding) or not self._closed(~broken)
            if draw >= (MOST_DRAWS if doubtful and draws > 1 else draws):
                break
        return Answer(self._subgroup(~broken), not nonzero)

    def depends(self, hidden: o3.Irreps, block: slice) -> bool:
        """Whether the outputs of nodes change with one block of the object, turned by S while the rest stays."""
        objects = np.repeat(self.images[:1], len(self.images), axis=0)
        objects[..., block] = self.images[..., block]
        objects = _distinct(objects)[0]
        if len(objects) == 1:
            return True
        for draw, (values, rounding) in enumerate(self._outputs(hidden, objects[:16]), start=1):
            if np.abs(values - values[:1]).max(initial=0.0) > CHANGE * rounding:
                return True
            if draw >= DRAWS:
                break
        return False

    def _asked(self) -> np.ndarray:
        """Objects whose outputs tell: of a structure one, since S turns its output; of a cluster each image."""
        return self.images[:1] if self.moves is not None else self._images[0]

    @cached_property
    def _images(self) -> tuple[np.ndarray, np.ndarray]:
        return _distinct(self.images)

    def _outputs(self, hidden: o3.Irreps, objects: np.ndarray) -> Iterator[tuple[np.ndarray, float]]:
        """Outputs (objects, nodes, dim) and their rounding, for one draw of weights after the other."""
        network = replace(self.network, irreps_hidden=hidden)
        inputs = self._inputs()
        turn = self._turn
        here = Surrogate(network, self.geometry, {ir: torch.as_tensor(values) for ir, values in inputs.items()})
        there = Surrogate(
            network,
            self.geometry.turned(turn),
            {ir: torch.as_tensor(values @ _matrix(str(ir), turn).T) for ir, values in inputs.items()},
        )
        action = _matrix(_text(network.irreps_breaker), turn)
        back = _matrix("+".join(f"1x{ir}" for ir in here.kinds_out), turn) if here.kinds_out else np.zeros((0, 0))
        few = np.unique(np.linspace(0, len(objects) - 1, 2).astype(int))
        for draw in range(MOST_DRAWS):
            values = here(torch.as_tensor(objects), draw).numpy()
            again = there(torch.as_tensor(objects[few] @ action.T), draw).numpy() @ back
            rounding = max(np.abs(again - values[few]).max(initial=0.0), _EPSILON * np.abs(values).max(initial=0.0))
            yield values, float(rounding)

    @cached_property
    def _turn(self) -> np.ndarray:
        turn, _ = np.linalg.qr(np.random.default_rng(_SEED).normal(size=(3, 3)))
        return turn

    def _inputs(self) -> dict[o3.Irrep, np.ndarray]:
        """Node inputs: in general position any vector; on given sites only what S leaves alone everywhere."""
        rng = np.random.default_rng(_SEED)
        proper = bool((np.linalg.det(self.matrices) > 0).all())
        inputs = {}
        for ir in sorted({ir for _, ir in self.network.irreps_in}):
            if self.moves is None:
                inputs[ir] = rng.normal(size=(self.geometry.nodes, ir.dim))
            elif ir.l == 0 and (ir.p == 1 or proper):
                inputs[ir] = (1.0 + 0.7 * self.geometry.kinds)[:, None]
        return inputs

    def _changes(self, values: np.ndarray, rounding: float) -> tuple[np.ndarray, float, float]:
        """How much each element of S changes the output; its size; and the rounding of both."""
        size = float(np.abs(values).max(initial=0.0))
        if not values.shape[2]:
            return np.zeros(len(self.matrices)), 0.0, rounding
        action = self._action(o3.Irreps([(1, ir) for ir in _kinds(self.network.irreps_out)]))
        if self.moves is None and not self.pooled:
            places = self._images[1]
            apart = np.abs(values[:, None] - values[None]).max(axis=(2, 3))
            if self.table is None:
                return apart[places[0], places], size, rounding
            # h is kept if it changes the output for no image: then the elements that are kept form a group.
            return apart[places[self.table], places[:, None]].max(axis=0), size, rounding
        if self.moves is None:
            # The structure is one S-orbit of copies of the cluster: sum the images g f(g^-1 b).
            totals = values.sum(axis=1)[self._images[1]]
            assert self.table is not None
            inverse = np.argmin(self.table, axis=1)
            output = np.einsum("gij,gj->i", action, totals[inverse])[None] / len(totals)
        else:
            output = values[0].sum(axis=0, keepdims=True) if self.pooled else values[0]
        if self.pooled:
            rounding *= self.geometry.nodes
        turned = output @ action.transpose(0, 2, 1)
        if not self.pooled and self.moves is not None:
            moved = np.empty_like(turned)
            np.put_along_axis(moved, self.moves[:, :, None], turned, axis=1)
            turned = moved
        return np.abs(turned - output).max(axis=(1, 2)), float(np.abs(output).max()), rounding

    def _action(self, irreps: o3.Irreps) -> np.ndarray:
        return representation(_text(irreps), self.matrices)

    def _closed(self, kept: np.ndarray) -> bool:
        return self.table is None or bool(kept[self.table[np.ix_(kept, kept)]].all())

    def _subgroup(self, kept: np.ndarray) -> np.ndarray:
        """What is kept, with the object's own stabilizer; if rounding has left no group, the elements that map it to itself."""
        kept = kept | self.fixing
        if self._closed(kept):
            return kept
        assert self.table is not None
        kept = kept & kept[self.table[:, kept]].all(axis=1)
        return kept if kept[self.fixing].all() else self.fixing.copy()


def _distinct(objects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different ones among objects, the first of each, and which of these each is."""
    flat = np.round(objects.reshape(len(objects), -1) / SAME_OBJECT)
    _, first, places = np.unique(flat, axis=0, return_index=True, return_inverse=True)
    return objects[first], places.reshape(-1)


def _kinds(irreps: o3.Irreps) -> list[o3.Irrep]:
    """As the surrogate sorts them."""
    return sorted({ir for mul, ir in irreps if mul}, key=lambda ir: (ir.l, -ir.p))


def _matrix(irreps: str, rotation: np.ndarray) -> np.ndarray:
    return representation(irreps, rotation[None])[0]


def _text(irreps: o3.Irreps) -> str:
    return "+".join(f"{mul}x{ir}" for mul, ir in irreps)
