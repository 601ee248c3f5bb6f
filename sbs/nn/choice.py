"""Which object, set and orientation each graph of a batch has: given in the call, in the batch's own fields, or beforehand.

A batch may carry these fields, which `sbs.nn.SymmetryFields` puts there:

    sbs_object    int (num_graphs,), number of the object
    sbs_set       int (num_graphs,), number of the set
    sbs_rotation  float (num_graphs, 3, 3), from the setting of the set to that of the input
    sbs_features  float (num_graphs, dim), the object itself as a feature, for sets whose objects have no numbers
    sbs_site      int (num_nodes,), for objects with sites: the site of the set that each node is

What a call says goes before the batch, the batch before `SymmetryBreaker.choose`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from sbs.nn.checks import check_tensors

__all__ = ["FIELDS", "Choice", "fields_of", "reader"]


class Choice(NamedTuple):
    """What is chosen (each a tensor, or None): see the names above; ``draw`` asks for a drawn object in evaluation."""

    object_index: Tensor | None = None
    set_index: Tensor | None = None
    rotations: Tensor | None = None
    features: Tensor | None = None
    sites: Tensor | None = None
    draw: bool = False

    def over(self, other: Choice) -> Choice:
        """This choice, and where it leaves something open, the other's. An object is named in one way only."""
        named = self.object_index is not None or self.features is not None
        return Choice(
            self.object_index if named else other.object_index,
            self.set_index if self.set_index is not None else other.set_index,
            self.rotations if self.rotations is not None else other.rotations,
            self.features if named else other.features,
            self.sites if self.sites is not None else other.sites,
            self.draw or other.draw,
        )

    def check(self) -> None:
        """Raise NetworkInputError unless all that is given are tensors of real numbers."""
        check_tensors(
            index=self.object_index,
            set_index=self.set_index,
            rotations=self.rotations,
            features=self.features,
            sites=self.sites,
        )


FIELDS = {
    "sbs_object": "object_index",
    "sbs_set": "set_index",
    "sbs_rotation": "rotations",
    "sbs_features": "features",
    "sbs_site": "sites",
}


def reader(source: Any) -> Callable[[str], Any] | None:
    """How to read the fields of a mapping or of an object like PyG's ``Data``; None for anything else."""
    if isinstance(source, Mapping):
        return source.get
    if isinstance(source, Tensor) or not (hasattr(source, "batch") or hasattr(source, "pos")):
        return None
    return lambda name: getattr(source, name, None)


def fields_of(source: Any) -> Choice:
    """The choice that a batch carries."""
    read = reader(source)
    if read is None:
        return Choice()
    found = {name: read(field) for field, name in FIELDS.items()}
    if not any(isinstance(value, Tensor) for value in found.values()):
        found = _from_information(read("data_info"), found)
    for name in ("object_index", "set_index", "sites"):
        if isinstance(found[name], Tensor):
            # Some data pipelines hold every graph field as a column.
            found[name] = found[name].reshape(-1)
    rotations = found["rotations"]
    if isinstance(rotations, Tensor) and rotations.numel() % 9 == 0:
        found["rotations"] = rotations.reshape(-1, 3, 3)
    known: dict[str, Any] = {name: value for name, value in found.items() if isinstance(value, Tensor)}
    return Choice(**known)


def _from_information(given: Any, found: dict[str, Any]) -> dict[str, Any]:
    """SevenNet hands on what ASE atoms say of themselves, as one mapping for each graph."""
    rows = [given] if isinstance(given, Mapping) else given
    if not isinstance(rows, list) or not rows or not all(isinstance(row, Mapping) for row in rows):
        return found
    result = dict(found)
    for field, name in FIELDS.items():
        if all(field in row for row in rows):
            whole = name in ("object_index", "set_index", "sites")
            kind = torch.int64 if whole else torch.float64
            values = [torch.as_tensor(row[field], dtype=kind) for row in rows]
            result[name] = torch.cat([each.reshape(-1) for each in values]) if name == "sites" else torch.stack(values)
    return result
