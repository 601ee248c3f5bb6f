"""The README's Python, every block as it stands there in an interpreter of its own that has imported nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BLOCKS = re.findall(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)

#: Runs a block with prompts and compares what it prints.
SESSION = """
import doctest, sys
sys.path.insert(0, {root!r})
assert not any(name.split(".")[0] in ("sbs", "numpy", "torch") for name in sys.modules)
test = doctest.DocTestParser().get_doctest(sys.stdin.read(), {{}}, "README.md", "README.md", 0)
result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=sys.stderr.write)
sys.exit(1 if result.failed or not result.attempted else 0)
"""

#: Runs a block without prompts, then looks at what it has made.
SCRIPT = """
import sys
sys.path.insert(0, {root!r})
space = {{"__name__": "__main__"}}
exec(compile(sys.stdin.read(), "README.md", "exec"), space)
{check}
"""

#: By a word of the block, what must hold in the end.
CHECKS = {
    "attach": "import numpy as np\n"
    "moved = space['outputs'][:, 0].detach().numpy()\n"
    "np.testing.assert_allclose(moved, space['breaker'].set.objects, atol=0.05)\n"
    "assert moved.shape == (6, 3) and space['model'].training",
}


def run(block: str) -> subprocess.CompletedProcess[str]:
    """The block in a fresh interpreter, in a folder that holds nothing of the project."""
    if block.startswith(">>>"):
        program = SESSION.format(root=str(ROOT))
    else:
        checks = [check for word, check in CHECKS.items() if word in block]
        assert len(checks) == 1, "say in CHECKS what the block must have made"
        program = SCRIPT.format(root=str(ROOT), check=checks[0])
    return subprocess.run(
        [sys.executable, "-X", "utf8", "-c", program], input=block, capture_output=True, text=True, encoding="utf-8", cwd="/"
    )


def name_of(block: str) -> str:
    lines = [line.removeprefix(">>> ") for line in block.splitlines()]
    return next(line for line in lines if not line.startswith(("import", "from", "torch.manual")))[:40]


def needed(block: str) -> set[str]:
    """Libraries that the block imports and that are not installed."""
    libraries = re.findall(r"^(?:>>> )?(?:import|from) (\w+)", block, re.MULTILINE)
    return {name for name in (*libraries, *(["torch"] if "sbs.nn" in block else [])) if find_spec(name) is None}


@pytest.mark.parametrize("block", BLOCKS, ids=name_of)
def test_block_runs_from_an_empty_interpreter(block):
    if missing := needed(block):
        pytest.skip(f"not installed: {', '.join(sorted(missing))}")
    done = run(block)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_readme_has_its_blocks():
    assert sum(block.startswith(">>>") for block in BLOCKS) >= 5
    assert sum(not block.startswith(">>>") for block in BLOCKS) >= 1


@pytest.mark.parametrize(
    "broken",
    [">>> sbs.minimal_set('Oh', 'D4h').size\n3\n", ">>> import sbs\n>>> sbs.minimal_set('Oh', 'D4h').size\n4\n", "No prompt\n"],
    ids=["nothing imported", "wrong output", "no example"],
)
def test_a_wrong_block_is_noticed(broken):
    assert run(broken if broken.startswith(">>>") else f">>> # {broken}").returncode != 0
