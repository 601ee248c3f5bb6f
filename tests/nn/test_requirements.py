"""What is said when torch, e3nn or a decision of the user's is missing; and that e3nn's safe list is left to the user."""

import os
import subprocess
import sys
from importlib.metadata import version

import pytest
import torch


def run(code: str) -> subprocess.CompletedProcess[str]:
    # MACE sets this variable of torch when it is imported, which would hide what a fresh process does.
    environment = {k: v for k, v in os.environ.items() if k != "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.mark.parametrize("missing", ["torch", "e3nn"])
def test_missing_packages_name_the_install_command(missing):
    code = f"import sys; sys.modules[{missing!r}] = None; sys.modules[{missing + '.o3'!r}] = None\nimport sbs.nn"
    result = run(code)
    assert result.returncode != 0
    assert "MissingDependencyError" in result.stderr and f"pip install {missing}" in result.stderr


def test_importing_the_library_changes_no_safe_list():
    if not hasattr(torch.serialization, "get_safe_globals"):
        pytest.skip("this torch has no list of safe globals")
    code = "import torch, sbs\nassert slice not in torch.serialization.get_safe_globals()"
    assert run(code).returncode == 0


def test_old_e3nn_on_new_torch_says_what_to_call():
    old = tuple(int(p) for p in version("e3nn").split(".")[:2]) < (0, 5)
    new = tuple(int(p) for p in torch.__version__.split(".")[:2]) >= (2, 6)
    if not (old and new):
        pytest.skip("needs e3nn 0.4 on torch >= 2.6")
    result = run("import sbs.nn")
    assert result.returncode != 0
    assert "add_safe_globals([slice])" in result.stderr
    assert run("import torch; torch.serialization.add_safe_globals([slice]); import sbs.nn").returncode == 0
