"""Enumerate a permutation group by the images of a base.

A base is a list of points that only the identity fixes, so an element is known by the images of the base: the
group is numbered along the orbit of the base and needs no memory for whole permutations (Holt, Eick and
O'Brien, Handbook of Computational Group Theory, sec. 4.1 and 4.4).  That a list of points B is a base is
proved so: let T fix B pointwise.  If T also fixes the images of B under every generator g, then T <= g T
g^-1, so T is normal, and a normal subgroup that fixes one point of an orbit fixes the whole orbit.  Hence
only those images and one point of every other orbit need be looked at, and T fixes a point y iff "where does
y go" is well defined on the orbit of B.
"""

from __future__ import annotations

import numpy as np

from sbs.errors import InvalidGroupError
from sbs.groups.abstract.laws import orbit_numbers

__all__ = ["enumerate_permutations", "spanning_tree"]

_Tree = tuple[list[int], list[int], list[int]]


def enumerate_permutations(generators: np.ndarray, limit: int) -> tuple[np.ndarray, tuple[int, ...]]:
    """Number the group that permutations generate.

    Args:
        generators: permutations ``(k, d)``, ``g[i]`` the image of point i.
        limit: largest order.

    Returns:
        The left-regular action ``(k, n)``: ``left[j, x]`` is the number of ``g_j * x`` (first x, then g_j),
        elements being numbered breadth first from the identity 0; and the base.

    Raises:
        InvalidGroupError: more than ``limit`` elements.
    """
    left = np.zeros((len(generators), 1), dtype=np.intp)
    base: list[int] = []
    candidates = _orbit_representatives(generators)
    while candidates:
        tree = spanning_tree(left)
        moved = next((y for y in candidates if not _is_fixed(generators, left, tree, y)), None)
        if moved is None:
            break
        left = _refine(generators, left, moved, limit)
        base.append(moved)
        images = generators[:, base].ravel().tolist()
        candidates = list(dict.fromkeys([*images, *candidates]))
    return left, tuple(base)


def _orbit_representatives(generators: np.ndarray) -> list[int]:
    """The first point of every orbit that is longer than one point, longest orbits first."""
    _, points, lengths = np.unique(
        orbit_numbers(generators.shape[1], list(generators)), return_index=True, return_counts=True
    )
    order = np.argsort(-lengths, kind="stable")
    return [int(p) for p, n in zip(points[order], lengths[order], strict=True) if n > 1]


def spanning_tree(left: np.ndarray) -> _Tree:
    """Breadth-first spanning tree of an action (k, n): (order of visit, parent, generator), x = g * parent."""
    size = left.shape[1]
    parent = [-1] * size
    generator = [-1] * size
    queue = [0]
    rows = left.T.tolist()
    for x in queue:
        for j, y in enumerate(rows[x]):
            if y and parent[y] < 0:
                parent[y] = x
                generator[y] = j
                queue.append(y)
    return queue, parent, generator


def _is_fixed(generators: np.ndarray, left: np.ndarray, tree: _Tree, point: int) -> bool:
    """Whether all elements that lead back to state 0 fix a point."""
    queue, parent, generator = tree
    rows = generators.tolist()
    image = [point] * len(queue)
    for x in queue[1:]:
        image[x] = rows[generator[x]][image[parent[x]]]
    where = np.array(image)
    return all(np.array_equal(where[row], g[where]) for row, g in zip(left, generators, strict=True))


def _refine(generators: np.ndarray, left: np.ndarray, point: int, limit: int) -> np.ndarray:
    """Action on the orbit of (state 0, point)."""
    degree = generators.shape[1]
    states = left.T.tolist()
    rows = generators.tolist()
    number = {point: 0}
    queue = [(0, point)]
    actions: list[list[int]] = []
    for state, image in queue:
        action = []
        for j, target in enumerate(states[state]):
            moved = rows[j][image]
            key = target * degree + moved
            index = number.get(key)
            if index is None:
                index = len(queue)
                if index >= limit:
                    raise InvalidGroupError(
                        f"the {len(rows)} permutations of {degree} points generate more than {limit} "
                        "elements; work with a smaller group or a quotient of it"
                    )
                number[key] = index
                queue.append((target, moved))
            action.append(index)
        actions.append(action)
    return np.array(actions, dtype=np.intp).T
