"""Independent answers to compare with; nothing here imports the library."""
