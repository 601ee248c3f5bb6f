"""Cayley tables of matrices, cosets, and chains of transversals."""

from itertools import product

import numpy as np
import pytest

from sbs.errors import InvalidGroupError
from sbs.groups import point_group
from sbs.objects.cosets import cayley_table, left_cosets, subgroup_chain


@pytest.mark.parametrize("symbol", ["C1", "Ci", "Oh", "Ih", "D17h"])
def test_table_multiplies_the_matrices(symbol):
    matrices = point_group(symbol).matrices
    table = cayley_table(matrices)
    for a in range(len(matrices)):
        assert np.abs(matrices[a] @ matrices - matrices[table[a]]).max() < 1e-12


@pytest.mark.parametrize("missing", [1, 17, 47])
def test_set_that_is_not_closed_is_refused(missing):
    with pytest.raises(InvalidGroupError, match="not closed"):
        cayley_table(np.delete(point_group("Oh").matrices, missing, axis=0))


@pytest.mark.parametrize("symbol", ["Oh", "D6h"])
def test_cosets_are_those_of_the_group(symbol):
    group = point_group(symbol)
    for cls in group.subgroup_classes:
        labels = left_cosets(group.table, cls.representative.mask)
        ours = {tuple(np.flatnonzero(labels == label)) for label in np.unique(labels)}
        theirs = {tuple(sorted(int(e) for e in row)) for row in cls.representative.left_cosets()}
        assert ours == theirs


@pytest.mark.parametrize("symbol", ["Oh", "Ih", "D6h", "D20h", "D21d"])
def test_chain_writes_every_element_once(symbol):
    group = point_group(symbol)
    masks = [cls.representative.mask for cls in group.subgroup_classes]
    for mask in masks:
        chain = subgroup_chain(group.table, mask)
        found = []
        for factors in product(*chain):
            element = 0
            for factor in factors:
                element = int(group.table[factor, element])
            found.append(element)
        assert sorted(found) == np.flatnonzero(mask).tolist()


def test_chain_is_short_for_long_cyclic_groups():
    group = point_group("D200h")
    chain = subgroup_chain(group.table, np.ones(group.order, dtype=bool))
    assert np.prod([len(t) for t in chain]) == 800
    assert sum(len(t) for t in chain) < 50


def test_chain_of_no_subgroup_is_refused():
    group = point_group("Oh")
    mask = point_group("Oh").subgroup_classes[-2].representative.mask.copy()
    mask[np.flatnonzero(mask)[-1]] = False
    with pytest.raises(InvalidGroupError, match="not closed"):
        subgroup_chain(group.table, mask)
