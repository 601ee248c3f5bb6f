"""The self-contained HTML explorer."""

from sbs.explorer.page import browse, render, write

__all__ = ["browse", "render", "write"]
