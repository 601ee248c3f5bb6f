"""Lightning: a module around an attached model, PyG's loader, objects from the batch's fields, checkpoints in the middle."""

import numpy as np
import pytest
import torch
from e3nn.nn.models.v2106.gate_points_networks import NetworkForAGraphWithAttributes

import sbs
from sbs.nn import SymmetryBreaker, SymmetryFields, attach

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

SET = sbs.minimal_set("Oh", "C4v")
CORNERS = np.concatenate([np.zeros((1, 3)), np.eye(3), -np.eye(3)])
NUMBERS = np.array([16, 9, 9, 9, 9, 9, 9])
EDGES = np.array([(i, j) for i in range(7) for j in range(7) if i != j]).T


def molecules(turns, directions):
    """SF6 turned, whose centre is pulled along a direction of the molecule; None: what it does is not known."""
    data = pytest.importorskip("torch_geometric.data", reason="PyTorch Geometric is not installed").Data
    transform = SymmetryFields(
        SET, sbs.detect, target="y", to_structure=lambda each: (each.pos.double().numpy(), NUMBERS)
    )
    found = []
    for turn, direction in zip(turns, directions, strict=True):
        fields = {
            "pos": torch.as_tensor(CORNERS @ turn.T, dtype=torch.float32),
            "node_input": torch.as_tensor(np.eye(2)[(NUMBERS == 9).astype(int)], dtype=torch.float32),
            "node_attr": torch.ones(7, 1),
            "edge_index": torch.as_tensor(EDGES),
            "edge_attr": torch.ones(EDGES.shape[1], 1),
        }
        if direction is not None:
            pulls = np.zeros((7, 3))
            pulls[0] = turn @ direction
            fields["y"] = torch.as_tensor(pulls, dtype=torch.float32)
        found.append(transform(data(**fields)))
    return found


@pytest.fixture
def loader(rotations):
    """Batches of three and of two: of the second nothing but the orientation is known, so that objects are drawn."""
    loaders = pytest.importorskip("torch_geometric.loader", reason="PyTorch Geometric is not installed")
    turns = rotations(8, 3)[::2]
    known = molecules(turns[:3], [np.eye(3)[0], np.eye(3)[2], -np.eye(3)[1]])
    unknown = molecules([turns[3], np.eye(3)], [None, None])
    assert all("sbs_object" in each and "sbs_rotation" in each for each in known)
    assert all("sbs_object" not in each and "sbs_set" in each for each in unknown)

    class Both:
        def __iter__(self):
            yield from loaders.DataLoader(known, batch_size=3)
            yield from loaders.DataLoader(unknown, batch_size=2)

        def __len__(self):
            return 2

    return Both()


def module(seed=1):
    """A LightningModule; its breaker draws for batches that do not choose."""
    lightning = pytest.importorskip("lightning.pytorch", reason="Lightning is not installed")

    class Training(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            torch.manual_seed(seed)
            self.model = NetworkForAGraphWithAttributes(
                irreps_node_input="2x0e",
                irreps_node_attr="0e",
                irreps_edge_attr="0e",
                irreps_node_output="1o",
                max_radius=3.0,
                num_neighbors=6.0,
                num_nodes=7.0,
                mul=4,
                layers=2,
                lmax=1,
                pool_nodes=False,
            )
            self.breaker = SymmetryBreaker(SET, seed=seed)
            attach(self.model, self.breaker, at="mp.layers.0", freeze=False).wake(0.1, seed)
            self.drawn = []

        def training_step(self, batch, number):
            output = self.model(batch)
            self.drawn.append(self.breaker.drawn.clone())
            if "y" in batch:
                return (output - batch.y).square().mean()
            return (output[::7].norm(dim=1) - 0.5).square().mean()

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=0.01)

    return Training()


def trained(loader, epochs, folder, start=None):
    """A module after some epochs, and the trainer."""
    lightning = pytest.importorskip("lightning.pytorch", reason="Lightning is not installed")
    own = module(seed=1 if start is None else 2)
    quiet = dict.fromkeys(("logger", "enable_progress_bar", "enable_model_summary", "enable_checkpointing"), False)
    trainer = lightning.Trainer(accelerator="cpu", max_epochs=epochs, default_root_dir=folder, **quiet)
    trainer.fit(own, loader, ckpt_path=start)
    return own, trainer


def test_the_data_choose_and_a_checkpoint_continues_the_draws(loader, tmp_path):
    straight, _ = trained(loader, 4, tmp_path)
    half, trainer = trained(loader, 2, tmp_path)
    trainer.save_checkpoint(tmp_path / "half.ckpt")
    again, _ = trained(loader, 4, tmp_path, start=tmp_path / "half.ckpt")
    # The first batch of each epoch brought its objects; the second was drawn, differently from epoch to epoch.
    known = next(iter(loader))
    chosen = SymmetryBreaker(SET).objects[0, known.sbs_object]
    assert all(torch.equal(each, chosen) for each in straight.drawn[::2])
    assert len({each.numpy().tobytes() for each in straight.drawn[1::2]}) > 1
    # Continued from the middle, in a module built with other weights and another seed: the same draws and the same weights.
    assert len(half.drawn) == len(again.drawn) == 4
    assert all(torch.equal(a, b) for a, b in zip(straight.drawn, [*half.drawn, *again.drawn], strict=True))
    states = straight.state_dict(), again.state_dict()
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_a_checkpoint_gives_the_same_outputs(loader, tmp_path):
    own, trainer = trained(loader, 20, tmp_path)
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    other = module(seed=7)
    other.load_state_dict(torch.load(tmp_path / "last.ckpt", weights_only=True)["state_dict"])
    known, unknown = loader
    for each in (own, other):
        each.eval()
    found = own.model(known)
    assert torch.equal(other.model(known), found)
    # What was learned follows the object that the batch brings: the centre of each molecule goes where its target says.
    along = (found[::7] * known.y[::7]).sum(dim=1)
    assert (along > 0.2).all()
    with own.breaker.choose(torch.tensor([1, 4])), other.breaker.choose(torch.tensor([1, 4])):
        assert torch.equal(own.model(unknown), other.model(unknown))
    for each in (own, other):
        each.train()
    assert torch.equal(own.model(unknown), other.model(unknown))
    assert torch.equal(own.breaker.drawn, other.breaker.drawn)
