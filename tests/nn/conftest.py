"""Fixtures for the networks: symmetric molecules, small e3nn networks, precision; and the warnings of old dependencies."""

from __future__ import annotations

import builtins
import importlib
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

# Helpers of several test modules.
sys.path.insert(0, str(Path(__file__).resolve().parent))

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def _e3nn_version() -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in version("e3nn").split(".")[:2])
    except PackageNotFoundError:
        pytest.skip("e3nn is not installed", allow_module_level=True)


E3NN = _e3nn_version()
if E3NN < (0, 5) and hasattr(torch.serialization, "add_safe_globals"):
    # What a user of e3nn 0.4.4 has to do as well; test_requirements.py shows what happens otherwise.
    torch.serialization.add_safe_globals([slice])

# Warnings of torch and e3nn about themselves, which nothing here can avoid.
FOREIGN_WARNINGS = (
    "ignore:.*TorchScript type system doesn't support instance-level annotations:UserWarning",
    "ignore:.*torch.jit.* is deprecated:DeprecationWarning",
    "ignore:.*torch.jit.* is not supported:DeprecationWarning",
    "ignore:.*torch.load.* with .weights_only=False.:FutureWarning",
    "ignore:.*pkg_resources is deprecated.*:UserWarning",
)

# Imported here once, because what old versions warn of while they are imported would stop the collection of tests; the
# settings, because searching the best contraction order and scripting take longer than the small networks here run.
with warnings.catch_warnings():
    for _text in FOREIGN_WARNINGS:
        _action, _message, _category = _text.split(":")
        warnings.filterwarnings("ignore", _message, getattr(builtins, _category))
    e3nn = pytest.importorskip("e3nn")
    for _name in ("e3nn.nn", "e3nn.o3"):
        importlib.import_module(_name)
    e3nn.set_optimization_defaults(optimize_einsums=False, jit_script_fx=False)
    if E3NN < (0, 5):
        # It scripts all the same, and TorchScript would optimise anew for every size of the input.
        torch._C._set_graph_executor_optimize(False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the foreign warnings pass in this directory only."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            for text in FOREIGN_WARNINGS:
                item.add_marker(pytest.mark.filterwarnings(text))


@pytest.fixture(autouse=True)
def _defaults() -> Iterator[None]:
    """Every test starts with one seed, float32 as default, and leaves the default dtype as it was."""
    previous = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(previous)


@pytest.fixture
def double(_defaults: None) -> None:
    """Work in float64."""
    torch.set_default_dtype(torch.float64)


@pytest.fixture(scope="session", autouse=True)
def _import_paths() -> Iterator[None]:
    """Let tests import examples and benchmarks as modules."""
    added = [str(EXAMPLES), str(BENCHMARKS)]
    sys.path[:0] = added
    yield
    for each in added:
        sys.path.remove(each)


from hosts import mace, nequip, sevennet, sevennet_attached  # noqa: E402, F401  # fixtures


@pytest.fixture
def rotations() -> Callable[[int, int], np.ndarray]:
    """(count, seed) -> random elements of O(3), every other one improper."""

    def draw(count: int, seed: int = 0) -> np.ndarray:
        rng = np.random.default_rng(seed)
        q, r = np.linalg.qr(rng.normal(size=(count, 3, 3)))
        q = q * np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None, :]
        q = q * np.sign(np.linalg.det(q))[:, None, None]
        q[1::2] *= -1
        return q

    return draw


@pytest.fixture
def orbit_molecule() -> Callable[..., np.ndarray]:
    """(matrices, orbits, seed) -> positions of a molecule made of general S-orbits: its symmetry is exactly S."""

    def make(matrices: np.ndarray, orbits: int = 1, seed: int = 3) -> np.ndarray:
        rng = np.random.default_rng(seed)
        points = rng.normal(size=(orbits, 3))
        points *= (1.0 + 0.4 * np.arange(orbits))[:, None] / np.linalg.norm(points, axis=1, keepdims=True)
        return np.einsum("gij,oj->ogi", matrices, points).reshape(-1, 3)

    return make


@pytest.fixture
def graph() -> Callable[..., dict[str, torch.Tensor]]:
    """(positions, neighbours) -> data for e3nn's v2106 network; edges to the nearest ``neighbours`` shells or to all."""

    def make(positions: np.ndarray, cutoff: float = np.inf) -> dict[str, torch.Tensor]:
        apart = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
        source, target = np.nonzero((apart > 1e-9) & (apart < cutoff))
        sites = torch.as_tensor(positions).to(torch.get_default_dtype())
        return {
            "pos": sites,
            "node_input": sites.new_ones((len(sites), 1)),
            "edge_index": torch.as_tensor(np.stack([source, target])),
            "edge_attr": sites.new_ones((len(source), 1)),
        }

    return make


def _preprocess(data: dict[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
    batch = data.get("batch", torch.zeros(len(data["pos"]), dtype=torch.long))
    source, target = data["edge_index"]
    node_input = data["x"] if "x" in data else data["node_input"]
    vectors = data["pos"][source] - data["pos"][target]
    return batch, node_input, data["node_attr"], data["edge_attr"], source, target, vectors


@pytest.fixture
def explicit_edges() -> Callable[[torch.nn.Module], torch.nn.Module]:
    """Let e3nn 0.4.4's v2106 network take "edge_index" from the data, as later versions do by themselves."""

    def change(network: torch.nn.Module) -> torch.nn.Module:
        if E3NN >= (0, 5):
            return network

        network.preprocess = _preprocess
        return network

    return change


@pytest.fixture
def make_network(explicit_edges: Callable[[torch.nn.Module], torch.nn.Module]) -> Callable[..., torch.nn.Module]:
    """(breaker, irreps_out, ...) -> e3nn's v2106 network with a breaker, its zero-initialised weights drawn at random."""
    from e3nn.nn.models.v2106.gate_points_networks import NetworkForAGraphWithAttributes

    from sbs.nn import build

    def make(
        breaker: torch.nn.Module,
        irreps_out: str = "1o",
        *,
        irreps_in: str = "0e",
        lmax: int = 2,
        layers: int = 1,
        mul: int = 4,
        pool: bool = False,
        wake: bool = True,
        max_radius: float = 4.0,
    ) -> torch.nn.Module:
        model = build(
            NetworkForAGraphWithAttributes,
            breaker,
            irreps_node_input=irreps_in,
            irreps_node_attr="0e",
            irreps_edge_attr="0e",
            irreps_node_output=irreps_out,
            max_radius=max_radius,
            num_neighbors=6.0,
            num_nodes=4.0,
            mul=mul,
            layers=layers,
            lmax=lmax,
            pool_nodes=pool,
        )
        explicit_edges(model.model)
        if wake:
            with torch.no_grad():
                for name, parameter in model.named_parameters():
                    if "alpha" in name:
                        parameter.normal_()
        return model

    return make
