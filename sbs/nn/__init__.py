"""Symmetry breakers as torch modules."""
