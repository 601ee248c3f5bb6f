"""Finite groups, point groups and their subgroups."""
