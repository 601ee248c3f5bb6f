"""The self-contained HTML explorer."""
