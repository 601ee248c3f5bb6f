"""Symmetry breakers for equivariant networks in torch and e3nn (in a checkout: ``pip install ".[nn]"``).

>>> import sbs, sbs.nn
>>> breaker = sbs.nn.SymmetryBreaker(sbs.minimal_set("Oh", "C4v"))
>>> network = sbs.nn.build(NetworkForAGraphWithAttributes, breaker, irreps_node_input="8x0e", ...)
>>> outputs = sbs.nn.all_outputs(network, data, breaker.set)

For a model that exists, ``sbs.nn.attach(model, breaker, at="layer name")`` takes the place of the third line.

e3nn 0.4.4, which MACE pins, imports on torch >= 2.6 only after
``torch.serialization.add_safe_globals([slice])``. That is a decision about what may be unpickled, so it is
left to you: call it before importing e3nn, MACE or this package.
"""

from __future__ import annotations

from sbs.nn import _requirements  # noqa: F401  # says how to install what is missing, before it is needed
from sbs.nn.breaker import SymmetryBreaker
from sbs.nn.host.attach import Attachment, attach, detach
from sbs.nn.host.build import BreakingModel, build, with_breaker
from sbs.nn.host.calculators import calculator
from sbs.nn.host.calls import MissingFieldsWarning
from sbs.nn.host.data import SymmetryFields, orientation, permutations_for
from sbs.nn.host.fixing import fix
from sbs.nn.host.graphs import one_graph
from sbs.nn.host.orientation import OrientationWarning
from sbs.nn.learned import Converged, LearnedBreaker, LearnedOrbit
from sbs.nn.losses import (
    energy_score,
    matching_objects,
    orbit_minimum_loss,
    orbit_targets,
    output_stabilizer,
    paired_loss,
)
from sbs.nn.outputs import all_outputs, turn_outputs
from sbs.nn.reach.effect import Effect, effect
from sbs.nn.reach.paths import UnreachableBreakerWarning
from sbs.nn.reach.verdict import Reach, can_break
from sbs.nn.wigner import Rotation
from sbs.sets.sites import site_permutations
from sbs.sets.transport import Transport, transport

__all__ = [
    "Attachment",
    "BreakingModel",
    "Converged",
    "Effect",
    "LearnedBreaker",
    "LearnedOrbit",
    "MissingFieldsWarning",
    "OrientationWarning",
    "Reach",
    "Rotation",
    "SymmetryBreaker",
    "SymmetryFields",
    "Transport",
    "UnreachableBreakerWarning",
    "all_outputs",
    "attach",
    "build",
    "calculator",
    "can_break",
    "detach",
    "effect",
    "energy_score",
    "fix",
    "matching_objects",
    "one_graph",
    "orbit_minimum_loss",
    "orbit_targets",
    "orientation",
    "output_stabilizer",
    "paired_loss",
    "permutations_for",
    "site_permutations",
    "transport",
    "turn_outputs",
    "with_breaker",
]
