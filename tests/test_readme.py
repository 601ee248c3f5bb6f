"""The README's Python, run as it stands there."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import numpy as np
import pytest

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def test_sessions():
    """Blocks with prompts, one after the other in one session."""
    sessions = [block for block in BLOCKS if block.startswith(">>>")]
    assert len(sessions) >= 5
    test = doctest.DocTestParser().get_doctest("\n".join(sessions), {}, "README.md", "README.md", 0)
    report: list[str] = []
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=report.append)
    assert result.failed == 0, "".join(report)
    assert result.attempted >= 20


def test_attaching():
    """The block without prompts: an octahedron whose centre moves only once a breaker is attached and trained."""
    torch = pytest.importorskip("torch", reason="the network part is not installed: pip install 'sbs[nn]'")
    pytest.importorskip("e3nn")
    networks = pytest.importorskip("e3nn.nn.models.v2106.gate_points_networks")
    import sbs
    import sbs.nn

    torch.manual_seed(0)
    (code,) = [block for block in BLOCKS if not block.startswith(">>>")]
    model = networks.NetworkForAGraphWithAttributes(
        irreps_node_input="0e",
        irreps_node_attr="0e",
        irreps_edge_attr="0e",
        irreps_node_output="1o",
        max_radius=3.0,
        num_neighbors=6.0,
        num_nodes=7.0,
        mul=8,
        layers=2,
        pool_nodes=False,
    )
    sites = torch.cat([torch.zeros(1, 3), torch.eye(3), -torch.eye(3)])
    pairs = torch.cartesian_prod(torch.arange(7), torch.arange(7)).T
    pairs = pairs[:, pairs[0] != pairs[1]]
    data = {
        "pos": sites,
        "node_input": torch.ones(7, 1),
        "node_attr": torch.ones(7, 1),
        "edge_index": pairs,
        "edge_attr": torch.ones(pairs.shape[1], 1),
        "batch": torch.zeros(7, dtype=torch.int64),
        "num_graphs": 1,
    }
    assert model(data)[0].abs().max() < 1e-5

    def train(attached):
        before = attached(data).detach()
        (breaker,) = [each for each in attached.modules() if isinstance(each, sbs.nn.SymmetryBreaker)]
        up = torch.tensor([int(np.argmax(breaker.set.objects[:, 2]))])
        weights = [weight for weight in attached.parameters() if weight.requires_grad]
        optimiser = torch.optim.Adam(weights, lr=0.05)
        for _ in range(100):
            with breaker.choose(up):
                loss = (attached(data)[0] - before[0] - torch.tensor([0.0, 0.0, 1.0])).square().sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()

    found = {"sbs": sbs, "model": model, "data": data, "train": train}
    exec(compile(code, "README.md", "exec"), found)
    centres = found["outputs"][:, 0].detach().numpy()
    wanted = found["breaker"].set.objects[:, [0, 1, 2]]
    assert centres.shape == (6, 3)
    np.testing.assert_allclose(centres, wanted, atol=0.05)
