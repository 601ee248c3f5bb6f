"""Complements of a normal subgroup A of Q in the preimages of subgroups L of F = Q / A, by lifting generators.

A complement that projects onto L is a homomorphism L -> Q that undoes the projection; it is given by lifts
x_j of generators l_j of L that satisfy the relators of L.  The relators are the edges of the Cayley graph of
L outside a spanning tree (Handbook, sec. 2.4.3).  Below each elementary abelian layer U / V of A the lifts
are known up to elements u_j of the layer, and the relators are linear equations for them: solutions are the
1-cocycles Z^1(L, U / V), solutions up to conjugation by U are Z^1 / B^1 = H^1 (F. Celler, J. Neubueser, C. R.
B. Wright, Acta Appl. Math. 21, 57 (1990); Holt, Eick and O'Brien, Handbook of Computational Group Theory,
sec. 7.6 and 8.3).  If A is not solvable, what is left below the layers is a perfect group, through which
generators are lifted one at a time by trial, up to conjugation.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from sbs.errors import SearchLimitError
from sbs.groups.abstract.modular import complement_basis, solve_modular
from sbs.groups.abstract.subgroups import Parent, Subgroup
from sbs.progress import tick
from sbs.solver.layers import Layer, elementary_layers

__all__ = ["MAX_LIFTS", "Lifter"]

#: Partial complements looked at for one subgroup L. Beyond this the search gives up with an error.
MAX_LIFTS = 1_000_000
#: Words evaluated at once by trial.
_CHUNK = 2_000_000


class CayleyGraph:
    """Cayley graph of a subgroup L of F on some generators.

    Attributes:
        generators: element numbers of F.
        ends: (k, |L|), position in L of l g_j for the l at each position; the identity has position 0.
        levels: the edges of a breadth-first spanning tree, level by level: (origins, generators, ends).
    """

    def __init__(self, subgroup: Subgroup, generators: tuple[int, ...]) -> None:
        group = subgroup.parent
        position = np.full(group.order, -1, dtype=np.intp)
        position[subgroup.elements] = np.arange(subgroup.order)
        gens = np.array(generators, dtype=np.intp)
        self.size = subgroup.order
        self.generators = generators
        self.ends = position[group.multiply(subgroup.elements[None], gens[:, None])].reshape(len(gens), -1)
        self.levels: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        seen = np.zeros(subgroup.order, dtype=bool)
        seen[0] = True
        frontier = np.zeros(1, dtype=np.intp)
        while len(frontier) and len(gens):
            ends = self.ends[:, frontier].ravel()
            fresh, first = np.unique(ends, return_index=True)
            first = first[~seen[fresh]]
            fresh = fresh[~seen[fresh]]
            seen[fresh] = True
            if len(fresh):
                self.levels.append((frontier[first % len(frontier)], first // len(frontier), fresh))
            frontier = fresh

    def words(self, group: Parent, lifts: np.ndarray) -> np.ndarray:
        """Values in ``group`` of the words along the tree: lifts (k, ...) to (|L|, ...)."""
        values = np.zeros((self.size, *lifts.shape[1:]), dtype=np.intp)
        for origins, generators, ends in self.levels:
            values[ends] = group.multiply(values[origins], lifts[generators])
        return values


class Lifter:
    """Finds complements of A in preimages of subgroups of F = Q / A.

    Args:
        normal: A, normal in its parent Q.

    Attributes:
        group: Q.
        factor: F.
        number: (|Q|,), the element of F that each element of Q projects to.
        representative: (|F|,), one element of Q above each element of F.
        liftable: (|F|,), whether an element of F has a lift of the same order.
    """

    def __init__(self, normal: Subgroup) -> None:
        self.normal = normal
        self.group = normal.parent
        self.factor, self.number = self.group.whole.quotient(normal)
        self.representative = np.zeros(self.factor.order, dtype=np.intp)
        self.representative[self.number[::-1]] = np.arange(self.group.order)[::-1]
        self.liftable = np.zeros(self.factor.order, dtype=bool)
        self.liftable[self.number[self.group.element_orders == self.factor.element_orders[self.number]]] = True
        self._series: tuple[list[Layer], Subgroup] | None = None
        self._count = 0

    def complements(self, image: Subgroup) -> Iterator[Subgroup]:
        """Subgroups H of Q with H ∩ A = 1 that project onto ``image``: at least one of each class under A.

        Raises:
            SearchLimitError: more than MAX_LIFTS partial lifts.
        """
        if not self.liftable[image.elements].all():
            return
        if image.order == 1 or self.normal.order == 1:
            yield Subgroup.from_elements(self.group, self.representative[image.elements])
            return
        if self._series is None:
            self._series = elementary_layers(self.normal)
        layers, rest = self._series
        generators = self._short_generators(image)
        graph = CayleyGraph(image, generators)
        self._count = 0
        for lifts in self._through_layers(graph, self.representative[list(generators)], layers):
            if rest.order == 1:
                yield self.group.subgroup(lifts.tolist())
            else:
                for chosen in self._by_trial(image, generators, lifts, rest):
                    yield self.group.subgroup(chosen)

    def _short_generators(self, image: Subgroup) -> tuple[int, ...]:
        """Generators of L, each as large a step as is found among a few elements of high order."""
        orders = self.factor.element_orders
        ranked = image.elements[np.argsort(-orders[image.elements], kind="stable")]
        return tuple(self.factor.generate_onto(ranked.tolist())[1])

    def _count_one(self) -> None:
        self._count += 1
        if self._count > MAX_LIFTS:
            raise SearchLimitError(
                f"over {MAX_LIFTS} partial complements; the search was given up and the answer is not known"
            )
        tick("partial complements", self._count, self._count)

    # --- abelian layers -------------------------------------------------------------------------------------

    def _through_layers(self, graph: CayleyGraph, lifts: np.ndarray, layers: list[Layer]) -> Iterator[np.ndarray]:
        if not layers:
            yield lifts
            return
        for lifted in self._through_one(graph, lifts, layers[0]):
            self._count_one()
            yield from self._through_layers(graph, lifted, layers[1:])

    def _through_one(self, graph: CayleyGraph, lifts: np.ndarray, layer: Layer) -> Iterator[np.ndarray]:
        """Lifts that satisfy the relators modulo the lower group of the layer, up to conjugation by the upper."""
        group, p = self.group, layer.prime
        count, dim = len(lifts), len(layer.basis)
        # Conjugation v -> x_j^-1 v x_j on the layer, one matrix (d, d) acting on columns for each generator.
        turned = group.conjugate(layer.basis[None], group.inverses[lifts][:, None])
        actions = np.swapaxes(layer.coordinates[turned], 1, 2)
        values = graph.words(group, lifts)
        errors = group.multiply(group.inverses[values[graph.ends]], group.multiply(values[None], lifts[:, None]))
        # If x_j becomes x_j u_j, the word w becomes w d(w), where d(w x_j) = x_j^-1 d(w) x_j + u_j is linear in the u.
        blocks = np.zeros((count, dim, count * dim), dtype=np.int64)
        for j in range(count):
            blocks[j, :, j * dim : (j + 1) * dim] = np.eye(dim, dtype=np.int64)
        changes = np.zeros((graph.size, dim, count * dim), dtype=np.int64)
        for origins, generators, ends in graph.levels:
            changes[ends] = (actions[generators] @ changes[origins] + blocks[generators]) % p
        equations = [changes[graph.ends[j]] - actions[j] @ changes - blocks[j] for j in range(count)]
        solved = solve_modular(
            np.concatenate(equations).reshape(-1, count * dim), layer.coordinates[errors].reshape(-1), p
        )
        if solved is None:
            return
        solution, cocycles = solved
        coboundaries = np.concatenate(list(actions - np.eye(dim, dtype=np.int64)), axis=0).T % p
        classes = complement_basis(cocycles, coboundaries, p)
        for weights in product(range(p), repeat=len(classes)):
            vector = (solution + np.array(weights, dtype=np.int64) @ classes) % p
            yield group.multiply(lifts, layer.elements(group, vector.reshape(count, dim))).astype(np.intp)

    # --- a perfect rest -------------------------------------------------------------------------------------

    def _by_trial(
        self, image: Subgroup, generators: tuple[int, ...], lifts: np.ndarray, rest: Subgroup
    ) -> Iterator[list[int]]:
        """Choices of x_j in lifts[j] * P that satisfy all relators, P perfect and normal, up to conjugation by P."""
        graphs = []
        for j in range(len(generators)):
            part = self.factor.subgroup(generators[: j + 1])
            graphs.append(CayleyGraph(part, generators[: j + 1]))
        orders = self.factor.element_orders[list(generators)]

        def grow(chosen: list[int], fixing: np.ndarray) -> Iterator[list[int]]:
            level = len(chosen)
            if level == len(generators):
                yield chosen
                return
            candidates = self.group.multiply(lifts[level], rest.elements).astype(np.intp)
            candidates = candidates[self.group.element_orders[candidates] == orders[level]]
            candidates = candidates[self._hold(graphs[level], chosen, candidates)]
            free = np.zeros(self.group.order, dtype=bool)
            free[candidates] = True
            for candidate in candidates:
                if free[candidate]:
                    self._count_one()
                    images = self.group.conjugate(candidate, fixing)
                    free[images] = False
                    yield from grow([*chosen, int(candidate)], fixing[images == candidate])

        yield from grow([], rest.elements)

    def _hold(self, graph: CayleyGraph, chosen: list[int], candidates: np.ndarray) -> np.ndarray:
        """Which candidates for the last generator satisfy, with the earlier ones, every relator of the graph."""
        good = np.zeros(len(candidates), dtype=bool)
        for part in np.array_split(np.arange(len(candidates)), 1 + graph.size * len(candidates) // _CHUNK):
            trial = np.array([np.full(len(part), c) for c in chosen] + [candidates[part]], dtype=np.intp)
            values = graph.words(self.group, trial)
            fits = np.ones(len(part), dtype=bool)
            for j, ends in enumerate(graph.ends):
                fits &= (values[ends] == self.group.multiply(values, trial[j])).all(0)
            good[part] = fits
        return good
