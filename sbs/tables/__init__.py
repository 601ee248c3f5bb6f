"""Precomputed point groups: build, load and check.

Read in this order: `catalogue` and `storage`, which files there are; `lookup` and `restore`, from a file to an answer;
`group_table`, `display` and `latex`, what users see. The way in: `record`, `subgroups` and `targets` say what a file holds,
`encoding` and `build` write it, `schema` and `checking` examine it.
"""
