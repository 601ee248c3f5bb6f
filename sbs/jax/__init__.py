"""Symmetry breakers for equivariant networks in JAX (in a checkout: ``pip install ".[jax]"``).

The same objects, outputs and losses as `sbs.nn`, as functions of arrays: for e3nn-jax, Nequix and networks of one's own.

>>> import jax, sbs, sbs.jax
>>> objects = sbs.jax.Objects(sbs.minimal_set("Oh", "C4v"))
>>> index = objects.draw(jax.random.key(0), num_graphs)
>>> features = objects.node_features(batch, index)          # e3nn_jax.IrrepsArray(objects.irreps, features)
>>> outputs = sbs.jax.all_outputs(apply, inputs, objects.set, irreps_out="1o", permutations=moves)

Arrays follow JAX's precision: for float64 set ``jax.config.update("jax_enable_x64", True)`` first.
"""

from __future__ import annotations

from sbs.jax import _requirements  # noqa: F401  # says how to install what is missing, before it is needed
from sbs.jax.features import Objects
from sbs.jax.losses import energy_score, matching_objects, orbit_minimum_loss, orbit_targets, paired_loss
from sbs.jax.outputs import all_outputs, turn_outputs
from sbs.jax.rotation import rotate
from sbs.sets.sites import site_permutations
from sbs.sets.transport import Transport, transport

__all__ = [
    "Objects",
    "Transport",
    "all_outputs",
    "energy_score",
    "matching_objects",
    "orbit_minimum_loss",
    "orbit_targets",
    "paired_loss",
    "rotate",
    "site_permutations",
    "transport",
    "turn_outputs",
]
