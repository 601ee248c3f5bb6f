"""Equivariant symmetry-breaking sets."""
