"""A question resolved, and the set that answers it."""
