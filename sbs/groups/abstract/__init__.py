"""Finite groups, their subgroups and characters: numbers, bit sets, no geometry."""
