"""Point groups in three dimensions: standard settings, infinite closed groups, symbols, names."""
