"""What the modules on modes and isotropy subgroups ask of a crystal that was detected in a supercell."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sbs.groups.abstract.site_operations import SiteOperations
from sbs.sets.fields import SiteFrame
from sbs.structures.inputs import Structure

__all__ = ["CrystalInCell"]


class CrystalInCell(Hashable, Protocol):
    """See `sbs.structures.detected.Detected`."""

    @property
    def structure(self) -> Structure:
        """The crystal in its cell."""

    @property
    def group(self) -> Any:
        """S, a FiniteGroup."""

    @property
    def operations(self) -> SiteOperations | None:
        """What the elements of S are."""

    @property
    def supercell(self) -> Any:
        """How S lies over the space group, `sbs.structures.supercell.Supercell`."""

    @property
    def matrices(self) -> NDArray[np.float64]:
        """The rotation of each element."""

    @property
    def permutations(self) -> NDArray[np.int64]:
        """What each element does to the sites."""

    @property
    def site_frame(self) -> SiteFrame:
        """A description that depends on the crystal alone."""
