"""The product of features with one object for each graph: few operations, because the object is the same on all its nodes.

Written out over nodes, W (h x b) is a product of three indices for every pair of irreps. Contracted with the coupling constants
first, the object b is one small matrix for each pair, and what is left are two matrix products of the features: one with that
matrix, one with the weights. Only the features depend on positions, so that forces are differentiated through these two alone.
"""

from __future__ import annotations

import torch
from e3nn import o3
from torch import Tensor, nn

from sbs.nn.wigner import ExactBuffers

__all__ = ["ObjectProduct"]


class ObjectProduct(ExactBuffers):
    """W (h x b), the fully connected tensor product of e3nn with weights that start at zero.

    Args:
        irreps: of the features h and of the result.
        irreps_objects: of the objects b.
        dtype: of features and weights. device: of all.

    With unit-variance weights the components of the result have unit variance, e3nn's normalisation "component", "element".
    ``weight`` holds, for each term of ``irreps`` as a result, the matrix (multiplicity, inputs) in one row of numbers; inputs
    are the pairs (term of the features, copy of an irrep of the objects) that couple to it, in this order, each with the
    multiplicity of the features.
    """

    coupling: Tensor

    def __init__(self, irreps: o3.Irreps, irreps_objects: o3.Irreps, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__(dtype)
        self._terms = [(mul, ir.dim) for mul, ir in irreps]
        copies = [ir for mul, ir in irreps_objects for _ in range(mul)]
        starts = [sum(ir.dim for ir in copies[:number]) for number in range(len(copies))]
        couplings: list[list[Tensor]] = [[] for _ in irreps]
        # For each result its inputs: the term of the features, and which of the pieces made of it.
        self._inputs: list[list[tuple[int, int]]] = []
        # For each term of the features the components of its pieces.
        self._pieces: list[list[int]] = [[] for _ in irreps]
        for mul_out, ir_out in irreps:
            pairs = [
                (term, number)
                for term, (mul, ir) in enumerate(irreps)
                for number, each in enumerate(copies)
                if mul and mul_out and ir_out in ir * each
            ]
            scale = (ir_out.dim / max(1, sum(irreps[term].mul for term, _ in pairs))) ** 0.5
            self._inputs.append([])
            for term, number in pairs:
                ir, each = irreps[term].ir, copies[number]
                three = scale * o3.wigner_3j(ir.l, each.l, ir_out.l, dtype=torch.float64)
                block = torch.zeros(irreps_objects.dim, ir_out.dim, ir.dim, dtype=torch.float64)
                block[starts[number] : starts[number] + each.dim] = three.permute(1, 2, 0)
                self._inputs[-1].append((term, len(couplings[term])))
                couplings[term].append(block)
                self._pieces[term].append(ir_out.dim)
        flat = [torch.cat(each, dim=1).flatten(1) for each in couplings if each]
        empty = torch.zeros(irreps_objects.dim, 0, dtype=torch.float64)
        # (dim of the objects, entries of the matrices of all terms)
        self.register_exact("coupling", torch.cat(flat, dim=1) if flat else empty)
        self._widths = [sum(irreps[term].mul for term, _ in inputs) for inputs in self._inputs]
        self._weights = [mul * width for (mul, _), width in zip(self._terms, self._widths, strict=True)]
        self._sizes = [mul * dim for mul, dim in self._terms]
        self._areas = [sum(pieces) * dim for pieces, (_, dim) in zip(self._pieces, self._terms, strict=True)]
        self.weight = nn.Parameter(torch.zeros(sum(self._weights), dtype=dtype))
        self.to(device)

    def forward(self, hidden: Tensor, objects: Tensor, batch: Tensor | None = None) -> Tensor:
        """Features (num_nodes, dim) -> (num_nodes, dim).

        Args:
            hidden: (num_nodes, dim).
            objects: (1, dim of the objects), one for all nodes; or one row for each node; or, with ``batch``, for each graph.
            batch: (num_nodes,), the graph of each node.
        """
        nodes = hidden.shape[0]
        contracted = (objects.to(self.coupling.dtype) @ self.coupling).to(hidden.dtype)
        if batch is not None:
            contracted = contracted.index_select(0, batch)
        blocks, matrices = hidden.split(self._sizes, dim=1), contracted.split(self._areas, dim=1)
        pieces: list[tuple[Tensor, ...]] = []
        for (mul, dim), components, block, matrix in zip(self._terms, self._pieces, blocks, matrices, strict=True):
            if not components:
                pieces.append(())
                continue
            each = matrix.view(-1, sum(components), dim).expand(nodes, -1, -1)
            # (num_nodes, components of all results, multiplicity)
            pieces.append(torch.bmm(each, block.view(nodes, mul, dim).transpose(1, 2)).split(components, dim=1))
        results = []
        weights = self.weight.split(self._weights)
        for (mul, dim), inputs, width, weight in zip(self._terms, self._inputs, self._widths, weights, strict=True):
            if not inputs:
                results.append(hidden.new_zeros((nodes, mul * dim)))
                continue
            found = [pieces[term][number] for term, number in inputs]
            # (num_nodes, components, inputs)
            together = found[0] if len(found) == 1 else torch.cat(found, dim=2)
            mixed = nn.functional.linear(together, weight.view(mul, width))
            results.append(mixed.transpose(1, 2).reshape(nodes, mul * dim))
        return torch.cat(results, dim=1)
