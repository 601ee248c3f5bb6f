"""Point groups in three dimensions: standard settings, infinite closed groups, symbols, names.

Read in this order: `families`, one canonical name for each group; `generators`, their matrices in the standard setting;
`pointgroups` and `closed`, the finite and the infinite groups in any orientation; `identify`, from matrices back to the name;
`rotations`, the gate for matrices. Text is read and written by `symbols`, `hermann_mauguin` and `spellings`; subgroups are
named by `naming` and `oriented`, elements by `elements`, `exact` and `symmetry_elements`. Representations: `mulliken` and
`functions` name them, `character_values`, `columns` and `character_tables` print them, `correlation` takes them apart;
`markup` shows a group in a notebook.
"""
