"""The command ``sbs``."""

from sbs.cli.app import main

__all__ = ["main"]
