"""From a stabilizer to the vectors that a network takes.

Read in this order: `irreps` and `representation`, matrices of O(3) in e3nn's basis; `invariants` and `cosets`, fixed vectors and
where they go; `blocks` and `site_blocks`, what an object may be made of; `choice`, the cheapest blocks; `separation` on
`maximin`, the best vector. For infinite groups: `seeds` and `stabilizers`. `arrangements` lists the isotropy subgroups of a
representation; `components` names what a vector holds.
"""
