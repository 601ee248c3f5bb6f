"""Attaching to real models: the pretrained SevenNet-0, NequIP and MACE. Each runs where its package is installed.

The input is rocksalt NaCl: forces vanish by symmetry, until an object of C_4v (C_4 for models that know rotations only)
breaks it; then they lie along the object's axis, and turn with it.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hosts import rocksalt, wake

import sbs
from sbs.errors import NetworkInputError
from sbs.nn import SymmetryBreaker, UnreachableBreakerWarning, attach, detach

# Warnings of the clients about themselves and about what they import.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*TorchScript type system.*:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*TF32.*:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*tensor product accelerator.*:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*given NumPy array is not writable.*:UserWarning"),
]


def check_broken_forces(symmetry_set, evaluate, breaker, noise):
    """Forces of every object: along its axis, the same length for all, and nothing across."""
    lengths = []
    for number, axis in enumerate(symmetry_set.objects):
        with breaker.choose(torch.tensor([number])):
            _, forces = evaluate()
        along = forces @ axis
        assert np.abs(forces - along[:, None] * axis).max() < noise
        lengths.append(along)
    assert np.abs(np.array(lengths) - lengths[0]).max() < noise
    assert np.abs(lengths[0]).min() > 50 * noise


def test_sevennet_keeps_its_predictions_until_trained(sevennet):
    model, evaluate = sevennet
    energy, forces = evaluate()
    symmetry_set = sbs.minimal_set("O", "C4", ambient="SO(3)")
    breaker = SymmetryBreaker(symmetry_set, dtype=torch.float32)
    # SevenNet-0 labels all features even: it knows rotations only, and so must the set.
    attachment = attach(model, breaker, at="1_equivariant_gate", ignore_parity=True)
    try:
        assert str(attachment.site.irreps) == "128x0e+64x1e+32x2e"
        with breaker.choose(torch.tensor([3])):
            again = evaluate()
        assert again[0] == energy and np.array_equal(again[1], forces)
        assert np.abs(forces).max() < 1e-5
        wake(attachment, 0.01)
        check_broken_forces(symmetry_set, evaluate, breaker, 1e-5)
    finally:
        detach(model)
    restored = evaluate()
    assert restored[0] == energy and np.array_equal(restored[1], forces)


def test_sevennet_is_fine_tuned_on_the_new_weights_only(sevennet):
    """A few steps pull the sodium atom up; the 842k pretrained weights do not move."""
    model, _ = sevennet
    symmetry_set = sbs.minimal_set("O", "C4", ambient="SO(3)")
    breaker = SymmetryBreaker(symmetry_set, mode="index", dtype=torch.float32)
    old = [parameter.detach().clone() for parameter in model.parameters()]
    attachment = attach(model, breaker, at="2_equivariant_gate", ignore_parity=True)
    try:
        index = int(np.argmax(symmetry_set.objects[:, 2]))
        optimiser = torch.optim.Adam(attachment.parameters(), lr=1e-2)
        losses = []
        for _ in range(15):
            optimiser.zero_grad()
            with breaker.choose(torch.tensor([index])):
                forces = sevennet_forces(model)
            loss = (forces[0, 2] - 0.1).square()
            loss.backward()
            optimiser.step()
            losses.append(float(loss.detach()))
        assert losses[-1] < 0.05 * losses[0]
    finally:
        detach(model)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), old, strict=True))


def sevennet_forces(model):
    from sevenn.atom_graph_data import AtomGraphData
    from sevenn.train.dataload import unlabeled_atoms_to_graph

    graph = AtomGraphData.from_numpy_dict(unlabeled_atoms_to_graph(rocksalt(), model.cutoff))
    model.set_is_batch_data(False)
    model.train()
    output = model(graph)
    model.eval()
    return output["inferred_force"]


def test_sevennet_refuses_what_it_cannot_carry(sevennet):
    model, _ = sevennet
    breaker = SymmetryBreaker(sbs.minimal_set("Oh", "C4v"), dtype=torch.float32)
    with pytest.raises(NetworkInputError, match="1_equivariant_gate"):
        attach(model, breaker, at="1_equivariant_gates")
    with pytest.warns(UnreachableBreakerWarning, match="cannot act"):
        attach(model, breaker, at="onehot_to_feature_x")
    detach(model)


@pytest.mark.parametrize("layer", ["model.func.layer0_convnet", "model.func.layer1_convnet"])
def test_nequip(layer, nequip):
    model, evaluate = nequip
    energy, forces = evaluate()
    symmetry_set = sbs.minimal_set("Oh", "C4v")
    breaker = SymmetryBreaker(symmetry_set, dtype=torch.float32)
    attachment = attach(model, breaker, at=layer)
    with breaker.choose(torch.tensor([3])):
        again = evaluate()
    assert again[0] == energy and np.array_equal(again[1], forces)
    wake(attachment, 1.0)
    check_broken_forces(symmetry_set, evaluate, breaker, 1e-6)
    detach(model)
    restored = evaluate()
    assert restored[0] == energy and np.array_equal(restored[1], forces)


def test_nequip_before_the_first_layer_holds_scalars_only(nequip):
    model, _ = nequip
    breaker = SymmetryBreaker(sbs.minimal_set("Oh", "C4v"), dtype=torch.float32)
    with pytest.warns(UnreachableBreakerWarning, match="cannot act"):
        attach(model, breaker, at="model.func.factor")


def test_nequip_built_with_a_breaker():
    """A network of NequIP's own layers, with the object appended before the first: a vector for every atom."""
    pytest.importorskip("nequip.nn", reason="NequIP is not installed")
    from nequip.data import from_ase
    from nequip.data.transforms import ChemicalSpeciesToAtomTypeMapper, NeighborListTransform
    from nequip.nn import ConvNetLayer, SequentialGraphNetwork
    from nequip.nn.embedding import (
        BesselEdgeLengthEncoding,
        EdgeLengthNormalizer,
        NodeTypeEmbed,
        PolynomialCutoff,
        SphericalHarmonicEdgeAttrs,
    )
    from nequip.utils.global_state import set_global_state

    from sbs.nn.host.nequip import AppendSymmetryBreaker

    set_global_state()
    torch.set_default_dtype(torch.float64)
    names = ["Na", "Cl"]
    symmetry_set = sbs.minimal_set("Oh", "C4v")
    breaker = SymmetryBreaker(symmetry_set, mode="index")
    parts = {"types": NodeTypeEmbed(type_names=names, num_features=4)}
    parts["harmonics"] = SphericalHarmonicEdgeAttrs(irreps_edge_sh="0e+1o", irreps_in=parts["types"].irreps_out)
    parts["lengths"] = EdgeLengthNormalizer(r_max=4.0, type_names=names, irreps_in=parts["harmonics"].irreps_out)
    parts["bessel"] = BesselEdgeLengthEncoding(cutoff=PolynomialCutoff(6), irreps_in=parts["lengths"].irreps_out)
    parts["breaker"] = AppendSymmetryBreaker(breaker, parts["bessel"].irreps_out)
    parts["layer"] = ConvNetLayer(
        irreps_in=parts["breaker"].irreps_out,
        feature_irreps_hidden="4x0e+2x1o",
        convolution_kwargs={
            "radial_mlp_depth": 1,
            "radial_mlp_width": 8,
            "use_sc": True,
            "is_first_layer": True,
            "avg_num_neighbors": 6.0,
            "type_names": names,
        },
    )
    model = SequentialGraphNetwork(parts)
    data = ChemicalSpeciesToAtomTypeMapper(model_type_names=names)(from_ase(rocksalt()))
    data = NeighborListTransform(r_max=4.0)(data)
    for number, axis in enumerate(symmetry_set.objects):
        with breaker.choose(torch.tensor([number])), torch.no_grad():
            vectors = model(dict(data))["node_features"][:, 4:].reshape(2, 2, 3).numpy()
        along = vectors @ axis
        assert np.abs(vectors - along[..., None] * axis).max() < 1e-12
        assert np.abs(along).max() > 1e-3
    with pytest.raises(NetworkInputError, match="no 'node_features'"):
        AppendSymmetryBreaker(breaker, {})


@pytest.mark.parametrize("layer", ["interactions.1", "products.0"])
def test_mace(layer, mace):
    """Before `interactions.1` the energy is unchanged bit for bit, the forces to rounding: gradients are
    summed in another order.
    """
    model, evaluate = mace
    evaluate()  # TorchScript optimises parts of MACE in its first runs.
    evaluate()
    energy, forces = evaluate()
    symmetry_set = sbs.minimal_set("Oh", "C4v")
    breaker = SymmetryBreaker(symmetry_set)
    attachment = attach(model, breaker, at=layer)
    with breaker.choose(torch.tensor([3])):
        again = evaluate()
    assert again[0] == energy
    assert np.abs(again[1] - forces).max() < 1e-15
    wake(attachment, 1.0)
    check_broken_forces(symmetry_set, evaluate, breaker, 1e-10)
    detach(model)
    assert evaluate()[0] == energy


def test_mace_refuses_its_first_layer(mace):
    model, _ = mace
    with pytest.warns(UnreachableBreakerWarning, match="cannot act"):
        attach(model, SymmetryBreaker(sbs.minimal_set("Oh", "C4v")), at="interactions.0")


def test_allegro_is_refused_with_the_reason():
    """Allegro keeps tensors on edges. A stand-in of its package name is enough to see the refusal."""
    layer = type("Allegro_Module", (torch.nn.Linear,), {"__module__": "allegro.nn._allegro"})
    model = torch.nn.ModuleDict({"allegro": layer(1, 1)})
    with pytest.raises(NetworkInputError, match="on edges"):
        attach(model, SymmetryBreaker(sbs.minimal_set("Oh", "C4v")), at="allegro")
