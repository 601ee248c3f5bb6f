"""Errors raised by the library.

Every message says what was given, what was expected and what to do next.
"""

from __future__ import annotations

__all__ = [
    "AmbiguousTargetError",
    "BudgetError",
    "CalculatorError",
    "CertificateError",
    "CorruptTableError",
    "DetectionError",
    "InfiniteSetError",
    "InvalidGroupError",
    "MissingDependencyError",
    "NetworkInputError",
    "NoExactFormError",
    "NoSetError",
    "NotASubgroupError",
    "NotConvergedError",
    "SearchLimitError",
    "SymmetryBreakingError",
    "UnknownGroupError",
]


class SymmetryBreakingError(ValueError):
    """Base class of every error that this library raises on purpose."""


class UnknownGroupError(SymmetryBreakingError):
    """A symbol or label names no group that the library knows."""


class InvalidGroupError(SymmetryBreakingError):
    """Matrices, permutations or a Cayley table do not form a group."""


class NotASubgroupError(SymmetryBreakingError):
    """A group that should lie inside another one does not."""


class AmbiguousTargetError(SymmetryBreakingError):
    """A symbol names several classes of subgroups; a label is needed."""


class InfiniteSetError(SymmetryBreakingError):
    """A finite list was asked of a set or group that is infinite."""


class NoExactFormError(SymmetryBreakingError):
    """A number has no exact form that the library knows; its float64 value stands."""


class NoSetError(SymmetryBreakingError):
    """It is proved that no symmetry-breaking set with the asked properties exists."""


class SearchLimitError(SymmetryBreakingError):
    """A search was given up at a stated limit; nothing is known about the answer."""


class CertificateError(SymmetryBreakingError):
    """A claim about a symmetry-breaking set did not survive verification."""


class DetectionError(SymmetryBreakingError):
    """The symmetry of a structure could not be determined."""


class CorruptTableError(SymmetryBreakingError):
    """A file of precomputed data is damaged or of a foreign format."""


class NetworkInputError(SymmetryBreakingError):
    """Something given to the network part (irreps, tensors, a layer name) has the wrong form or value."""


class CalculatorError(SymmetryBreakingError):
    """An interatomic potential failed, or returned what no structure can have."""


class NotConvergedError(SymmetryBreakingError):
    """A relaxation did not reach the asked accuracy within its steps."""


class BudgetError(SymmetryBreakingError):
    """The evaluations that were allowed are used up; what is known so far is kept."""


class MissingDependencyError(SymmetryBreakingError, ImportError):
    """An optional library is needed for what was asked and is not installed."""
