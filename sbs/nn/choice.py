"""Which object, set and orientation each graph of a batch has: given in the call, in the batch's own fields, or beforehand.

A batch may carry these fields, which `sbs.nn.SymmetryFields` puts there:

    sbs_object    int (num_graphs,), number of the object
    sbs_set       int (num_graphs,), number of the set
    sbs_rotation  float (num_graphs, 3, 3), from the setting of the set to that of the input
    sbs_features  float (num_graphs, dim), the object itself as a feature, for sets whose objects have no numbers
    sbs_site      int (num_nodes,), for objects with sites: the site of the set that each node is

What a call says goes before the batch, the batch before `SymmetryBreaker.choose`. Pipelines leave behind what they are not told
to take along. A breaker of mode "sample" then draws; one of mode "index" refuses, and is the one for data that choose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from sbs.errors import NetworkInputError
from sbs.groups.abstract.validation import shown
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
    """The choice that a batch carries.

    Raises:
        NetworkInputError: a field is no tensor, or only some graphs of a batch have it.
    """
    read = reader(source)
    if read is None:
        return Choice()
    found = {field: read(field) for field in FIELDS}
    if all(value is None for value in found.values()):
        found = _from_information(read("data_info"))
    check_tensors(**found)
    for field in ("sbs_object", "sbs_set", "sbs_site"):
        if found[field] is not None:
            # Some data pipelines hold every graph field as a column.
            found[field] = found[field].reshape(-1)
    rotations = found["sbs_rotation"]
    if rotations is not None and rotations.numel() % 9 == 0:
        found["sbs_rotation"] = rotations.reshape(-1, 3, 3)
    return Choice(**{FIELDS[field]: value for field, value in found.items()})


def _from_information(given: Any) -> dict[str, Any]:
    """SevenNet hands on what ASE atoms say of themselves, as one mapping for each graph."""
    found: dict[str, Any] = dict.fromkeys(FIELDS)
    rows = [given] if isinstance(given, Mapping) else given
    if not isinstance(rows, list) or not rows or not all(isinstance(row, Mapping) for row in rows):
        return found
    for field in FIELDS:
        having = [number for number, row in enumerate(rows) if row.get(field) is not None]
        if not having:
            continue
        if len(having) < len(rows):
            raise NetworkInputError(
                f"{field!r} is given for graphs {having[:8]} of a batch of {len(rows)} only; what the others would get would "
                "not be what their data say. Give it to all of them, or put them into batches of their own."
            )
        whole = field in ("sbs_object", "sbs_set", "sbs_site")
        values = [_tensor(row[field], torch.int64 if whole else torch.float64, field) for row in rows]
        if field == "sbs_site":
            values = [each.reshape(-1) for each in values]
        if field != "sbs_site" and len({each.shape for each in values}) > 1:
            raise NetworkInputError(f"{field!r} has the shapes {[tuple(each.shape) for each in values[:8]]} in one batch.")
        found[field] = torch.cat(values) if field == "sbs_site" else torch.stack(values)
    return found


def _tensor(value: Any, kind: torch.dtype, field: str) -> Tensor:
    try:
        found = np.asarray(value.detach().cpu() if isinstance(value, Tensor) else value)
        if found.dtype.kind not in ("iu" if kind == torch.int64 else "iuf"):
            raise TypeError(f"numbers of type {found.dtype}")
        return torch.as_tensor(np.array(found), dtype=kind)
    except Exception as error:  # whatever a value of somebody else raises
        raise NetworkInputError(
            f"{field!r} of a structure is {shown(value)}; expected numbers, as sbs.nn.SymmetryFields writes them."
        ) from error
