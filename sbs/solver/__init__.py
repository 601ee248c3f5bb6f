"""Generalised normalizers, complements and proofs of minimality."""
