"""Precomputed point groups: build, load and check."""
