"""Claims about symmetry-breaking sets, derived again from nothing."""
