"""Where and with what a benchmark ran, in one line."""

from __future__ import annotations

import datetime
import os
import platform
from importlib.metadata import version


def machine(*packages: str) -> str:
    """Date, processor, cores, Python and the versions of the named packages."""
    listed = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"{datetime.date.today().isoformat()}; {platform.machine()}, {os.cpu_count()} cores; "
        f"Python {platform.python_version()}, {listed}"
    )
