"""Claims about symmetry-breaking sets, derived again from nothing: this room imports no other one but the errors.

Read in this order: `claims`, what is claimed; `checking`, where it begins; `elements`, what finite groups are and how they
multiply; `harmonics`, how matrices act on irreps; `axes`, where rotations can take a group; `finite` and `minimality`, sets with
a finite normalizer; `isotropy`, what fixes a vector in an infinite group, and `closed`, sets with an infinite normalizer.
"""
