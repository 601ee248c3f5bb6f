"""SevenNet on a processor, several times faster: the images of an atom are summed before the tensor product.

In a crystal all periodic images of a neighbour carry the same features. A convolution of SevenNet sends along every edge

    message[k, u] = sum_ij C[i, j, k] x[source, i, u] Y[edge, j] w[edge, u],    w[edge, u] = sum_c h[edge, c] M[c, u],

with the harmonics Y and the hidden layer h of the radial network, and adds what arrives. All of it is linear in Y h, so that the
sum over the images comes first,

    H[source, target, j, c] = sum_images Y[j] h[c],

and weights, features and Clebsch-Gordan coefficients act on pairs of atoms of the cell instead of edges. The numbers are those of
the package's own network up to the order of sums in float32. Other layers, forces and stress are the package's own. The smaller
the cell, the more images there are to sum: half of the time for cells of 5 to 20 atoms, little less than all of it for 40.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from ase.calculators.calculator import Calculator, all_changes
from e3nn import o3
from torch import Tensor, nn

__all__ = ["Batches", "SummedConvolution", "evaluate", "sevennet", "sum_images"]

#: Pairs of sites in one graph: more cost memory (0.1 MB each) and gain nothing.
MOST_PAIRS = 800


class SummedConvolution(nn.Module):
    """The convolution of SevenNet with the images summed first."""

    def __init__(self, convolution: Any) -> None:
        """Take the weights of ``sevenn.nn.convolution.IrrepsConvolution``."""
        super().__init__()
        *self.hidden, last = convolution.weight_nn.children()
        matrix = last.weight / (last.h_in * last.var_in / last.var_out) ** 0.5 / convolution.denominator
        product = convolution.convolution
        starts = (
            torch.tensor([0] + [product.irreps_in1[ins.i_in1].mul for ins in product.instructions]).cumsum(0).tolist()
        )
        self.inputs = product.irreps_in1
        self.outputs = product.irreps_out
        self.harmonics = [block.dim for block in product.irreps_in2]
        self.matrices: list[Tensor] = []
        self.paths: list[list[tuple[int, int, Tensor]]] = []
        for harmonic in range(len(self.harmonics)):
            mine = [
                (starts[n], starts[n + 1], ins) for n, ins in enumerate(product.instructions) if ins.i_in2 == harmonic
            ]
            self.matrices.append(torch.cat([matrix[:, first:last] for first, last, _ in mine], 1).detach().contiguous())
            self.paths.append([(ins.i_in1, ins.i_out, _coefficients(product, ins)) for _, _, ins in mine])

    def forward(self, data: Any) -> Any:
        if "images" not in data:
            data["images"] = _images(data)
        x, (harmonics, hidden) = data["x"], data["images"]
        for layer in self.hidden:
            hidden = layer(hidden)
        cells = data["num_atoms"].numel()
        atoms = len(x) // cells
        features = [
            part.view(cells, atoms, mul, ir.dim).transpose(1, 2)
            for part, (mul, ir) in zip(x.split([block.dim for block in self.inputs], 1), self.inputs, strict=True)
        ]
        summed = harmonics @ hidden.view(*harmonics.shape[::2], -1)  # (pairs, all j, c)
        found: list[Tensor | None] = [None] * len(self.outputs)
        for matrix, paths, part in zip(self.matrices, self.paths, summed.split(self.harmonics, 1), strict=True):
            weights = part.reshape(-1, part.shape[2]) @ matrix  # (pairs j, u of all paths)
            weights = weights.view(cells, atoms, -1, matrix.shape[1])  # (cell, targets, sources j, u)
            shares = weights.split([features[i_in].shape[1] for i_in, _, _ in paths], 3)
            for share, (i_in, i_out, coefficients) in zip(shares, paths, strict=True):
                turned = (features[i_in] @ coefficients.flatten(1)).view(
                    cells, features[i_in].shape[1], share.shape[2], -1
                )
                arrived = share.permute(0, 3, 1, 2) @ turned  # (cell, u, targets, k)
                found[i_out] = arrived.transpose(1, 2).reshape(len(x), -1)
        data["x"] = torch.cat([part for part in found if part is not None], 1)
        return data


def _coefficients(product: Any, instruction: Any) -> Tensor:
    """Clebsch-Gordan coefficients (i, j, k) of one path, with its weight."""
    blocks = (
        product.irreps_in1[instruction.i_in1],
        product.irreps_in2[instruction.i_in2],
        product.irreps_out[instruction.i_out],
    )
    return (instruction.path_weight * o3.wigner_3j(*(block.ir.l for block in blocks))).float().contiguous()


def _images(data: Any) -> tuple[Tensor, Tensor]:
    """Harmonics (pairs, j, images) and radial functions (pairs images, 8) of all images, filled up with harmonics zero.

    Pairs are ordered by cell, target and source; all cells have the same number of atoms.
    """
    harmonics, radial, (target, source) = data["edge_attr"], data["edge_embedding"], data["edge_index"]
    total = len(data["x"])
    atoms = total // data["num_atoms"].numel()
    pair = target * atoms + source % atoms
    order = torch.argsort(pair, stable=True)
    counts = torch.bincount(pair, minlength=total * atoms)
    most = int(counts.max())
    rank = torch.arange(len(pair)) - (counts.cumsum(0) - counts)[pair[order]]
    place = pair.new_full((total * atoms * most,), len(pair))
    place[pair[order] * most + rank] = order
    padded = torch.cat([harmonics, harmonics.new_zeros(1, harmonics.shape[1])])[place]
    return (
        padded.view(total * atoms, most, -1).transpose(1, 2),
        torch.cat([radial, radial.new_zeros(1, radial.shape[1])])[place],
    )


def evaluate(calculator: Any, cells: list[Any]) -> list[dict[str, Any]]:
    """Energies, forces and stresses of several ASE atoms objects of equally many atoms, in one graph."""
    from sevenn import _keys as names
    from sevenn.train.dataload import unlabeled_atoms_to_graph

    graphs = [unlabeled_atoms_to_graph(atoms, calculator.cutoff) for atoms in cells]
    atoms = len(cells[0])
    numbers = torch.from_numpy(np.concatenate([graph[names.ATOMIC_NUMBERS] for graph in graphs])).long()
    edges = np.concatenate([graph[names.EDGE_IDX] + atoms * k for k, graph in enumerate(graphs)], 1)
    volumes = np.array([atoms.cell.volume for atoms in cells])
    data = {
        names.NODE_FEATURE: numbers,
        names.ATOMIC_NUMBERS: numbers,
        names.POS: torch.from_numpy(np.concatenate([graph[names.POS] for graph in graphs])).float(),
        names.EDGE_IDX: torch.from_numpy(edges).long(),
        names.EDGE_VEC: torch.from_numpy(np.concatenate([graph[names.EDGE_VEC] for graph in graphs])).float(),
        names.CELL_VOLUME: torch.from_numpy(volumes).float(),
        names.NUM_ATOMS: torch.full((len(cells),), atoms),
        names.BATCH: torch.arange(len(cells)).repeat_interleave(atoms),
    }
    calculator.model.set_is_batch_data(True)
    out = {name: value.detach().numpy() for name, value in calculator.model(data).items() if isinstance(value, Tensor)}
    return [
        {
            "energy": float(out[names.PRED_TOTAL_ENERGY][k]),
            "free_energy": float(out[names.PRED_TOTAL_ENERGY][k]),
            "forces": out[names.PRED_FORCE][k * atoms : (k + 1) * atoms],
            "stress": -out[names.PRED_STRESS][k][[0, 1, 2, 4, 5, 3]],
        }
        for k in range(len(cells))
    ]


def sum_images(calculator: Any) -> Any:
    """Replace the convolutions of a ``SevenNetCalculator`` in place; returns it."""
    from sevenn.nn.convolution import IrrepsConvolution

    for name, module in list(calculator.model._modules.items()):
        if isinstance(module, IrrepsConvolution):
            calculator.model._modules[name] = SummedConvolution(module)
    for parameter in calculator.model.parameters():
        parameter.requires_grad_(False)
    return calculator


def sevennet() -> Any:
    """SevenNet-0 as an ASE calculator, its convolutions replaced."""
    from sbs.phases.calculators import named_calculator

    return sum_images(named_calculator("sevennet"))


class Batches:
    """A potential that threads share: it answers all of them in one graph as soon as each one that runs waits.

    Every thread's work stands inside ``with batches.running():``. One evaluation of sixteen cells of five atoms costs less
    than half of sixteen evaluations.
    """

    def __init__(self, calculator: Any) -> None:
        """Share what `sevennet` returns."""
        self._calculator = calculator
        self._turn = threading.Condition()
        self._count = 0
        self._waiting: list[tuple[Any, dict[str, Any]]] = []

    @contextmanager
    def running(self) -> Iterator[_Share]:
        """The calculator of one thread; until it ends, the others wait for this thread's questions."""
        with self._turn:
            self._count += 1
        try:
            yield _Share(self)
        finally:
            with self._turn:
                self._count -= 1
                self._serve()

    def ask(self, atoms: Any) -> dict[str, Any]:
        """Wait until the threads that run have all asked; what holds for these atoms."""
        answer: dict[str, Any] = {}
        with self._turn:
            self._waiting.append((atoms, answer))
            self._serve()
            self._turn.wait_for(lambda: bool(answer))
        if "error" in answer:
            raise answer["error"]
        return answer

    def _serve(self) -> None:
        if not self._waiting or len(self._waiting) < self._count:
            return
        asked, self._waiting = self._waiting, []
        for size in {len(atoms) for atoms, _ in asked}:
            group = [(atoms, answer) for atoms, answer in asked if len(atoms) == size]
            most = max(1, MOST_PAIRS // size**2)
            for part in (group[first : first + most] for first in range(0, len(group), most)):
                try:
                    found = evaluate(self._calculator, [atoms for atoms, _ in part])
                except Exception as error:  # whatever it is, the threads that asked must hear of it
                    found = [{"error": error}] * len(part)
                for (_, answer), result in zip(part, found, strict=True):
                    answer.update(result)
        self._turn.notify_all()


class _Share(Calculator):
    """The calculator that one thread holds."""

    def __init__(self, batches: Batches) -> None:
        super().__init__()
        self.implemented_properties = ["energy", "free_energy", "forces", "stress"]
        self._batches = batches

    def calculate(self, atoms: Any = None, properties: Any = None, system_changes: Any = all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        self.results = self._batches.ask(self.atoms.copy())
