"""Generalised normalizers, complements and proofs of minimality.

Read in this order: `solutions`, what is said; `normalizer`, M; `finite`, which intersections are searched, with `complements`
(which stabilizers), `lifting` (complements by lifting generators) and `layers` below it; `closed`, where M is infinite.
"""
