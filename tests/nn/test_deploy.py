"""One object made part of a model: the same numbers from the module, from TorchScript, from exports and hosts' exporters."""

import io

import numpy as np
import pytest
import torch
from e3nn import o3
from hosts import rocksalt, wake

import sbs
from sbs.errors import NetworkInputError
from sbs.nn import SymmetryBreaker, attach, calculator, fix

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


class Host(torch.nn.Module):
    """Two layers that TorchScript reads, with a tensor for the features."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Linear(4, 16)
        self.first.irreps_out = o3.Irreps("4x0e+4x1o")
        self.last = torch.nn.Linear(16, 3)

    def forward(self, x: torch.Tensor, batch: torch.Tensor) -> torch.Tensor:
        return self.last(torch.tanh(self.first(x)))


class Batched(torch.nn.Module):
    """A host that is called with data."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Host()

    def forward(self, data: dict[str, torch.Tensor]) -> torch.Tensor:
        return self.inner(data["x"], data["batch"])


@pytest.fixture
def attached():
    model = Host()
    attachment = attach(model, SymmetryBreaker(sbs.minimal_set("Oh", "C4v")), at="first")
    attachment.wake(1.0)
    return model.eval(), attachment.breaker


@pytest.fixture
def inputs():
    return torch.randn(5, 4, generator=torch.Generator().manual_seed(1)), torch.zeros(5, dtype=torch.int64)


def chosen(model, breaker, inputs, number):
    with breaker.choose(torch.tensor([number])):
        return model(*inputs)


def test_a_fixed_model_gives_the_outputs_of_its_object(attached, inputs):
    model, breaker = attached
    before = {name: value.clone() for name, value in model.state_dict().items()}
    for number in (0, 4):
        fixed = fix(model, number)
        assert torch.allclose(fixed(*inputs), chosen(model, breaker, inputs, number), atol=1e-6)
        assert not fixed._forward_hooks and not any(isinstance(each, SymmetryBreaker) for each in fixed.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    by_features = fix(model, features=breaker.features_of(breaker.set.objects[4]))
    assert torch.allclose(by_features(*inputs), fixed(*inputs), atol=1e-6)


def test_a_fixed_model_is_turned_with_its_input(attached, inputs, rotations):
    model, breaker = attached
    turn = rotations(1, 7)[0]
    with breaker.choose(torch.tensor([2]), rotations=torch.as_tensor(turn)[None]):
        expected = model(*inputs)
    assert torch.allclose(fix(model, 2, rotation=turn)(*inputs), expected, atol=1e-5)


def test_infinite_sets_are_fixed_by_an_object(inputs):
    model = Host()
    attachment = attach(model, SymmetryBreaker(sbs.minimal_set("C3", "C1")), at="first")
    attachment.wake(1.0)
    given = attachment.breaker.features_of(attachment.breaker.set.sample(1, 5))
    with attachment.breaker.choose(features=given):
        expected = model(*inputs)
    assert torch.allclose(attachment.breaker.drawn, given.double())
    assert torch.allclose(fix(model, features=given)(*inputs), expected, atol=1e-6)


def test_each_of_several_breakers_is_fixed_by_an_object_of_its_own(inputs):
    """One number for all of them would have been an object of each set, whatever it means there."""
    model = Host()
    breakers = [SymmetryBreaker(sbs.minimal_set("Oh", target), seed=seed) for seed, target in enumerate(("C4v", "C3v"))]
    attach(model, breakers[0], at="first").wake(1.0)
    attach(model, breakers[1], at="last", irreps="1x1o").wake(1.0)
    with breakers[0].choose(torch.tensor([2])), breakers[1].choose(torch.tensor([7])):
        expected = model(*inputs)
    assert torch.allclose(fix(model, [2, 7])(*inputs), expected, atol=1e-6)
    given = [each.features_of(each.set.objects[number]) for each, number in zip(breakers, (2, 7), strict=True)]
    assert torch.allclose(fix(model, features=given)(*inputs), expected, atol=1e-6)
    for wrong in (2, [2], [2, 7, 0]):
        with pytest.raises(NetworkInputError, match=r"the model has 2 breakers \(Oh->C4v, .*; Oh->C3v, .*give a list"):
            fix(model, wrong)
    with pytest.raises(NetworkInputError, match="out of range"):
        fix(model, [7, 7])


def test_torchscript(attached, inputs):
    model, breaker = attached
    stream = io.BytesIO()
    torch.jit.save(torch.jit.script(fix(model, 3)), stream)
    stream.seek(0)
    assert torch.allclose(torch.jit.load(stream)(*inputs), chosen(model, breaker, inputs, 3), atol=1e-6)


def test_torch_export(attached, inputs):
    model, breaker = attached
    nodes = torch.export.Dim("nodes", min=2)
    program = torch.export.export(fix(model, 3), inputs, dynamic_shapes=({0: nodes}, {0: nodes}))
    more = (inputs[0].repeat(3, 1), inputs[1].repeat(3))
    assert torch.allclose(program.module()(*more), chosen(model, breaker, more, 3), atol=1e-6)


def test_an_attached_model_is_exported_for_any_number_of_graphs():
    """The object of each graph is an input of the program: `len` in a check made the number of nodes a constant."""
    model = Batched().eval()
    attach(model, SymmetryBreaker(sbs.minimal_set("Oh", "C4v"), mode="index"), at="inner.first").wake(1.0)
    nodes, graphs = torch.export.Dim("nodes", min=2), torch.export.Dim("graphs", min=2)
    example = {"x": torch.randn(5, 4), "batch": torch.tensor([0, 0, 1, 1, 1]), "sbs_object": torch.tensor([2, 3])}
    shapes = {"x": {0: nodes}, "batch": {0: nodes}, "sbs_object": {0: graphs}}
    program = torch.export.export(model, (example,), dynamic_shapes=(shapes,))
    more = {
        "x": torch.randn(9, 4),
        "batch": torch.tensor([0, 0, 1, 1, 1, 2, 2, 3, 3]),
        "sbs_object": torch.tensor([5, 0, 3, 1]),
    }
    assert torch.allclose(program.module()(more), model(more), atol=1e-6)
    other = more | {"sbs_object": torch.tensor([5, 0, 3, 2])}
    assert not torch.allclose(model(other)[-2:], model(more)[-2:], atol=1e-3)


@pytest.mark.slow
def test_ahead_of_time_compilation(attached, inputs, tmp_path):
    model, breaker = attached
    program = torch.export.export(fix(model, 3), inputs)
    path = torch._inductor.aoti_compile_and_package(program, package_path=str(tmp_path / "model.pt2"))
    loaded = torch._inductor.aoti_load_package(path)
    assert torch.allclose(loaded(*inputs), chosen(model, breaker, inputs, 3), atol=1e-5)


def test_a_built_model_is_fixed(make_network, graph, orbit_molecule, double):
    symmetry_set = sbs.minimal_set("Td", "C3v")
    model = make_network(SymmetryBreaker(symmetry_set, mode="index"))
    data = graph(orbit_molecule(symmetry_set.group.matrices))
    fixed = fix(model, 2)
    assert torch.allclose(fixed(data), model(data, index=torch.tensor([2])), rtol=1e-12)
    assert fixed.irreps_out == model.irreps_out
    program = torch.export.export(fixed, (data,))
    assert torch.allclose(program.module()(data), fixed(data), atol=1e-12)


def test_what_cannot_be_fixed_is_refused(attached):
    model, _ = attached
    with pytest.raises(NetworkInputError, match="nothing to fix"):
        fix(Host(), 0)
    with pytest.raises(NetworkInputError, match="Give the object"):
        fix(model)
    with pytest.raises(NetworkInputError, match="out of range"):
        fix(model, 6)
    with pytest.raises(NetworkInputError, match="No calculator is known"):
        calculator(model, 0)
    with pytest.raises(NetworkInputError, match="holds no torch model"):
        calculator(object(), 0)


# --- SevenNet ------------------------------------------------------------------------------------------------------


def test_sevennet_calculator_relaxes_on_one_surface(sevennet_attached):
    model, breaker, evaluate = sevennet_attached
    with breaker.choose(torch.tensor([4])):
        energy, forces = evaluate()
    atoms = rocksalt()
    atoms.calc = calculator(model, 4)
    assert abs(atoms.get_potential_energy() - energy) < 1e-5 and np.abs(atoms.get_forces() - forces).max() < 1e-5
    assert np.abs(forces).max() > 1e-3
    from ase.optimize import BFGS

    # On one surface forces are the gradient of one energy: the relaxation goes down and ends.
    atoms.rattle(0.02, seed=1)
    start = atoms.get_potential_energy()
    BFGS(atoms, logfile=None).run(fmax=0.05, steps=20)
    assert atoms.get_potential_energy() < start


def test_sevennet_deploys_with_its_own_exporter(sevennet_attached, tmp_path):
    """The file for LAMMPS, called as pair_e3gnn calls it: energies and forces are those of the chosen object."""
    from sbs.nn.host.sevennet import deploy

    model, breaker, evaluate = sevennet_attached
    with breaker.choose(torch.tensor([4])):
        energy, forces = evaluate()
    path = tmp_path / "deployed.pt"
    deploy(model, "7net-0", path, 4)
    files = {"chemical_symbols_to_index": "", "cutoff": "", "version": ""}
    deployed = torch.jit.load(str(path), _extra_files=files)
    found = call_as_lammps_does(deployed, files, rocksalt())
    assert abs(found[0] - energy) < 1e-4
    assert np.abs(found[1] - forces).max() < 1e-5


def call_as_lammps_does(deployed, files, atoms):
    """pair_e3gnn gives types, edges and edge vectors, and takes the gradient of the energy by the edge vectors."""
    from ase.neighborlist import neighbor_list

    species = files["chemical_symbols_to_index"]
    species = (species.decode() if isinstance(species, bytes) else species).split()
    cutoff = float(files["cutoff"])
    first, second, vectors = neighbor_list("ijD", atoms, cutoff)
    edges = torch.as_tensor(vectors, dtype=torch.float32).requires_grad_(True)
    data = {
        "x": torch.tensor([species.index(symbol) for symbol in atoms.get_chemical_symbols()]),
        "edge_index": torch.as_tensor(np.stack([first, second])),
        "edge_vec": edges,
        "num_atoms": torch.tensor(len(atoms)),
        "nlocal": torch.tensor(len(atoms)),
    }
    output = deployed(data)
    energy = output["inferred_total_energy"].squeeze()
    (gradient,) = torch.autograd.grad(energy, edges)
    forces = torch.zeros(len(atoms), 3)
    forces.index_add_(0, torch.as_tensor(first), gradient)
    forces.index_add_(0, torch.as_tensor(second), -gradient)
    return float(energy.detach()), forces.numpy()


def test_sevennet_checkpoints_rebuild_the_attachment(sevennet_attached, tmp_path):
    from sevenn.calculator import SevenNetCalculator

    from sbs.nn.host import sevennet as host

    model, breaker, evaluate = sevennet_attached
    with breaker.choose(torch.tensor([4])):
        energy, forces = evaluate()
    host.save(model, "7net-0", tmp_path / "attached.pth")
    again = host.load(tmp_path / "attached.pth")
    atoms = rocksalt()
    atoms.calc = calculator(again, 4, device="cpu")
    assert abs(atoms.get_potential_energy() - energy) < 1e-5 and np.abs(atoms.get_forces() - forces).max() < 1e-5
    # SevenNet itself reads the file as the model without the breaker.
    plain = SevenNetCalculator(str(tmp_path / "attached.pth"), device="cpu")
    plain.calculate(atoms)
    assert np.abs(plain.results["forces"]).max() < 1e-5


def test_sevennet_batches_carry_choices(sevennet_attached):
    """What ASE atoms say in ``info`` comes along in SevenNet's graphs, through the loader that its training uses."""
    from sevenn.atom_graph_data import AtomGraphData
    from sevenn.train.dataload import unlabeled_atoms_to_graph
    from torch_geometric.loader import DataLoader

    model, breaker, evaluate = sevennet_attached
    expected = []
    for number in (1, 4):
        with breaker.choose(torch.tensor([number])):
            expected.append(evaluate()[1])
    graphs = []
    for number in (1, 4):
        graph = AtomGraphData.from_numpy_dict(unlabeled_atoms_to_graph(rocksalt(), model.cutoff))
        graph["data_info"] = {"sbs_object": number}
        graphs.append(graph)
    model.set_is_batch_data(True)
    try:
        output = model(next(iter(DataLoader(graphs, batch_size=2))))
    finally:
        model.set_is_batch_data(False)
    found = output["inferred_force"].detach().numpy()
    assert np.abs(found - np.concatenate(expected)).max() < 1e-5
    assert np.abs(expected[0] - expected[1]).max() > 1e-3


# --- MACE ----------------------------------------------------------------------------------------------------------


def test_mace_exports_for_lammps(mace, tmp_path):
    """LAMMPS_MACE, scripted and called as pair_mace calls it."""
    from mace import data as mace_data
    from mace import tools
    from mace.tools import torch_geometric

    from sbs.nn.host.mace import lammps

    model, evaluate = mace
    breaker = SymmetryBreaker(sbs.minimal_set("Oh", "C4v"))
    wake(attach(model, breaker, at="interactions.1"), 1.0)
    with breaker.choose(torch.tensor([3])):
        energy, forces = evaluate()
    lammps(model, tmp_path / "mace.pt", 3)
    exported = torch.jit.load(str(tmp_path / "mace.pt"))
    configuration = mace_data.config_from_atoms(rocksalt())
    table = tools.AtomicNumberTable([11, 17])
    atoms = mace_data.AtomicData.from_config(configuration, z_table=table, cutoff=4.0)
    batch = next(iter(torch_geometric.dataloader.DataLoader([atoms], batch_size=1))).to_dict()
    batch = {name: value for name, value in batch.items() if isinstance(value, torch.Tensor)}
    batch["positions"].requires_grad_(True)
    output = exported(batch, torch.ones(2), False)
    assert abs(float(output["total_energy_local"]) - energy) < 1e-10
    assert np.abs(output["forces"].detach().numpy() - forces).max() < 1e-10
    assert np.abs(forces).max() > 1e-8


def test_mace_calculator_and_checkpoint(mace, tmp_path):
    model, evaluate = mace
    breaker = SymmetryBreaker(sbs.minimal_set("Oh", "C4v"))
    wake(attach(model, breaker, at="interactions.1"), 1.0)
    with breaker.choose(torch.tensor([3])):
        energy, forces = evaluate()
    torch.save(model, tmp_path / "mace.model")
    again = torch.load(tmp_path / "mace.model", weights_only=False)
    atoms = rocksalt()
    atoms.calc = calculator(again, 3, device="cpu", default_dtype="float64")
    assert abs(atoms.get_potential_energy() - energy) < 1e-10
    assert np.abs(atoms.get_forces() - forces).max() < 1e-10


# --- NequIP --------------------------------------------------------------------------------------------------------


def nequip_model(**change):
    pytest.importorskip("nequip.model", reason="NequIP is not installed")
    from nequip.utils.global_state import set_global_state

    from sbs.nn.host.nequip import SymmetryBrokenModel

    set_global_state()
    settings = dict(
        seed=1,
        model_dtype="float32",
        type_names=["Na", "Cl"],
        group="Oh",
        target="C4v",
        at="layer1_convnet",
        object=3,
        r_max=4.0,
        model={
            "_target_": "nequip.model.NequIPGNNModel",
            "num_layers": 3,
            "l_max": 1,
            "num_features": 4,
            "avg_num_neighbors": 10.0,
            "per_type_energy_scales": 1.0,
            "per_type_energy_shifts": 0.0,
        },
    )
    return SymmetryBrokenModel(**(settings | change))


def nequip_data(cubic=False):
    from nequip.data import from_ase
    from nequip.data.transforms import ChemicalSpeciesToAtomTypeMapper, NeighborListTransform

    data = ChemicalSpeciesToAtomTypeMapper(model_type_names=["Na", "Cl"])(from_ase(rocksalt(cubic)))
    return NeighborListTransform(r_max=4.0)(data)


def wake_nequip(model):
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "symmetry_injection" in name:
                weight.copy_(torch.randn(weight.shape, generator=generator))


def test_nequip_models_are_built_with_a_breaker():
    model = nequip_model()
    from nequip.model import modify

    data = nequip_data()
    with torch.enable_grad():
        plain = model(data | {"sbs_object": torch.tensor([3])})
    assert plain["forces"].abs().max() < 1e-6
    wake_nequip(model)
    forces = {k: model(data | {"sbs_object": torch.tensor([k])})["forces"].detach() for k in (0, 3)}
    axes = sbs.minimal_set("Oh", "C4v").objects
    for number, each in forces.items():
        along = each.double().numpy() @ axes[number]
        assert np.abs(along).max() > 1e-5
        assert np.abs(each.numpy() - along[:, None] * axes[number]).max() < 1e-6
    fixed = modify(model, [{"modifier": "fix_symmetry_breaker"}])
    assert torch.allclose(fixed.eval()(data)["forces"], forces[3], atol=1e-6)
    with pytest.raises(NetworkInputError, match="no object of"):
        modify(model, [{"modifier": "fix_symmetry_breaker", "object": 6}])
    with pytest.raises(NetworkInputError, match="no layer 'layer7'"):
        nequip_model(at="layer7")


def test_hosts_batches_carry_choices():
    pytest.importorskip("nequip.data", reason="NequIP is not installed")
    from nequip.data import AtomicDataDict

    model = nequip_model()
    wake_nequip(model)
    single = [nequip_data() | {"sbs_object": torch.tensor([k])} for k in (0, 3)]
    together = model(AtomicDataDict.batched_from_list(single))["forces"].detach()
    apart = torch.cat([model(each)["forces"].detach() for each in single])
    assert torch.allclose(together, apart, atol=1e-6)


@pytest.mark.slow
def test_the_example_relaxes_to_every_domain_and_exports(tmp_path):
    pytest.importorskip("sevenn", reason="SevenNet is not installed")
    import finetune_potential

    figures = finetune_potential.main(["--steps", "25", "--output", str(tmp_path)])
    assert min(figures["along"]) > 0.03 and figures["across"] < 0.01
    assert max(figures["along"]) - min(figures["along"]) < 0.01
    assert figures["path"].exists()
