"""The examples of the structures room, at reduced length."""

from __future__ import annotations

import numpy as np
import pytest

from tests.examples import load

pytest.importorskip("matplotlib")


def test_jahn_teller(tmp_path, capsys):
    states = load("jahn_teller").main(["--output", str(tmp_path)])
    assert {name: len(points) for name, points in states.items()} == {"D2h": 6, "D4h": 3}
    # the six states lie on one circle of the E_g plane, in pairs about the three tetragonal directions
    assert np.ptp(np.linalg.norm(states["D2h"], axis=1)) < 1e-9
    assert (tmp_path / "jahn_teller.png").stat().st_size > 1000
    assert "1.888, 1.963, 2.252" in capsys.readouterr().out
