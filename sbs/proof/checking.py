"""Certificates: every claim about a symmetry-breaking set, derived again from what its elements and objects are.

This room imports no other room of the package but the errors. It has its own matrices of irreps, from the definition of the
harmonics (`sbs.proof.harmonics`); its own multiplication, from what elements do (`sbs.proof.elements`); its own normalizers, from
where axes can go, or by going through the ambient group; its own stabilizers of vectors in infinite groups
(`sbs.proof.isotropy`); and where a bound does not show that no smaller set exists, it grows every subgroup that could be larger
(`sbs.proof.minimality`).
"""

from __future__ import annotations

from sbs.proof.claims import ClosedClaim, FiniteClaim
from sbs.proof.closed import check_closed
from sbs.proof.finite import check_finite

__all__ = ["check"]


def check(claim: FiniteClaim | ClosedClaim) -> None:
    """Check every claim.

    Raises:
        CertificateError: a claim is wrong or cannot be read; the message names it.
        SearchLimitError: a group is too large, or a case too special, for the check to come to an end.
    """
    if isinstance(claim, FiniteClaim):
        check_finite(claim)
    else:
        check_closed(claim)
