"""Finite groups, their subgroups and characters: numbers, bit sets, no geometry.

Read in this order: `validation` and `immutability`, what comes in and what goes out; `laws`, how numbers multiply; `meaning`
and `site_operations`, what they are; `subgroups`, `finite` and `holder`, the groups themselves. How groups are enumerated is
in `closure` (matrices) and `base_images` (permutations), how their subgroups are in `extension` and `perfect`; `characters`
stands on `modular`; `exact_numbers` gives entries to sympy.
"""
