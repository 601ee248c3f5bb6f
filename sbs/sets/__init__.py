"""A question resolved, and the set that answers it.

Read in this order: `question`, what is asked and how S lies in the solver's group; `orbits`, what a set is; `minimal_set`, the
answer; `solve`, how it is found, with `realise` (finite M), `infinite` and `continuous` (infinite M) and `fields` (sites of a
crystal). What is done with it: `claims` for the checker, `report` and `export` in words and numbers, `ferroic` in domain states,
`bodies`, `picture` and `figure` in pictures; `features`, `pairing`, `sites` and `transport` in networks.
"""
