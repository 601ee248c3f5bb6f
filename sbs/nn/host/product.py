"""The product of features with one object for each graph: few operations, because the object is the same on all its nodes.

Written out over nodes, W (h x b) is a product of three indices for every pair of irreps. Contracted with the coupling constants
first, the object b is one small matrix for each pair, and what is left are two matrix products of the features: one with that
matrix, one with the weights. Only the features depend on positions, so that forces are differentiated through these two alone.
"""

from __future__ import annotations

from itertools import groupby

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

    Successive terms of the features with one multiplicity are one group: the object is one matrix for all of them, with rows
    (result, its component, input) and columns (term, component).
    """

    coupling: Tensor

    def __init__(self, irreps: o3.Irreps, irreps_objects: o3.Irreps, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__(dtype)
        self._terms = [(mul, ir.dim) for mul, ir in irreps]
        self._sizes = [mul * dim for mul, dim in self._terms]
        self._groups = [list(run) for _, run in groupby(range(len(irreps)), key=lambda term: irreps[term].mul)]
        copies = [ir for mul, ir in irreps_objects for _ in range(mul)]
        starts = [sum(ir.dim for ir in copies[:number]) for number in range(len(copies))]
        pairs = [
            [
                (term, number)
                for term, (mul, ir) in enumerate(irreps)
                for number, each in enumerate(copies)
                if mul and mul_out and ir_out in ir * each
            ]
            for mul_out, ir_out in irreps
        ]
        # Of each group the shape (rows, columns) of its matrix and the rows of each result; of each result its inputs.
        self._shapes: list[tuple[int, int]] = []
        self._rows: list[list[int]] = []
        self._widths = [sum(irreps[term].mul for term, _ in inputs) for inputs in pairs]
        couplings: list[Tensor] = []
        for group in self._groups:
            columns = {term: sum(irreps[each].ir.dim for each in group if each < term) for term in group}
            width = sum(irreps[term].ir.dim for term in group)
            blocks: list[Tensor] = []
            for result, inputs in enumerate(pairs):
                own = [(term, number) for term, number in inputs if term in columns]
                ir_out = irreps[result].ir
                scale = (ir_out.dim / max(1, self._widths[result])) ** 0.5
                block = torch.zeros(irreps_objects.dim, ir_out.dim, len(own), width, dtype=torch.float64)
                for place, (term, number) in enumerate(own):
                    ir, each = irreps[term].ir, copies[number]
                    three = scale * o3.wigner_3j(ir.l, each.l, ir_out.l, dtype=torch.float64)
                    objects = slice(starts[number], starts[number] + each.dim)
                    block[objects, :, place, columns[term] : columns[term] + ir.dim] = three.permute(1, 2, 0)
                blocks.append(block.flatten(1, 2))
            together = torch.cat(blocks, dim=1)
            self._rows.append([block.shape[1] for block in blocks])
            self._shapes.append((together.shape[1], width))
            couplings.append(together.flatten(1))
        empty = torch.zeros(irreps_objects.dim, 0, dtype=torch.float64)
        # (dim of the objects, entries of the matrices of all groups)
        self.register_exact("coupling", torch.cat(couplings, dim=1) if couplings else empty)
        self._areas = [rows * columns for rows, columns in self._shapes]
        self._weights = [mul * width for (mul, _), width in zip(self._terms, self._widths, strict=True)]
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
        blocks = hidden.split(self._sizes, dim=1)
        # Of each result what the groups contribute: (num_nodes, components, inputs).
        found: list[list[Tensor]] = [[] for _ in self._terms]
        matrices = contracted.split(self._areas, dim=1)
        for group, (rows, columns), own, matrix in zip(self._groups, self._shapes, self._rows, matrices, strict=True):
            if not rows:
                continue
            mul = self._terms[group[0]][0]
            views = [blocks[term].view(nodes, mul, self._terms[term][1]).transpose(1, 2) for term in group]
            features = views[0] if len(views) == 1 else torch.cat(views, dim=1)
            pieces = torch.bmm(matrix.view(-1, rows, columns).expand(nodes, -1, -1), features).split(own, dim=1)
            for (_, dim), piece, each in zip(self._terms, pieces, found, strict=True):
                if piece.shape[1]:
                    each.append(piece.view(nodes, dim, piece.shape[1] // dim * mul))
        results = []
        weights = self.weight.split(self._weights)
        for (mul, dim), inputs, width, weight in zip(self._terms, found, self._widths, weights, strict=True):
            if not inputs:
                results.append(hidden.new_zeros((nodes, mul * dim)))
                continue
            together = inputs[0] if len(inputs) == 1 else torch.cat(inputs, dim=2)
            mixed = nn.functional.linear(together, weight.view(mul, width))
            results.append(mixed.transpose(1, 2).reshape(nodes, mul * dim))
        return torch.cat(results, dim=1)
