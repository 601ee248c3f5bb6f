"""``python -m sbs``: the command line, where the script ``sbs`` is not on the path."""

from sbs.cli import main

raise SystemExit(main())
