"""One rank of the distributed test: torchrun-like environment, gloo, two processes. Run by test_distributed.py.

python distributed_worker.py RANK WORLD_SIZE STORE OUTPUT
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
import torch.distributed as dist

if hasattr(torch.serialization, "add_safe_globals"):
    # e3nn 0.4.4 reads a file of its own that torch >= 2.6 refuses otherwise.
    torch.serialization.add_safe_globals([slice])

from e3nn.nn.models.v2106.gate_points_message_passing import MessagePassing
from torch.nn.parallel import DistributedDataParallel

import sbs
from sbs.nn import SymmetryBreaker, build

GRAPHS, NODES, STEPS = 4, 3, 3


def model() -> torch.nn.Module:
    torch.manual_seed(0)
    breaker = SymmetryBreaker(sbs.minimal_set("Oh", "C1"), seed=11)
    return build(
        MessagePassing,
        breaker,
        irreps_node_sequence=["2x0e", "4x0e+4x1o", "1o"],
        irreps_node_attr="0e",
        irreps_edge_attr="0e+1o",
        fc_neurons=[2, 8],
        num_neighbors=2.0,
    )


def inputs(first: int, count: int, step: int) -> tuple[list[torch.Tensor], torch.Tensor, torch.Tensor]:
    """Graphs first .. first + count - 1 of the global batch of this step: arguments, batch, targets."""
    nodes, edges, scalars, targets = [], [], [], []
    for graph in range(first, first + count):
        generator = torch.Generator().manual_seed(1000 * step + graph)
        nodes.append(torch.randn((NODES, 2), generator=generator))
        edges.append(torch.randn((NODES * 2, 4), generator=generator))
        scalars.append(torch.randn((NODES * 2, 2), generator=generator))
        targets.append(torch.randn((NODES, 3), generator=generator))
    one = torch.tensor([[0, 1, 2, 0, 1, 2], [1, 2, 0, 2, 0, 1]])
    pairs = torch.cat([one + NODES * k for k in range(count)], dim=1)
    arguments = [torch.cat(nodes), torch.ones(NODES * count, 1), *pairs, torch.cat(edges), torch.cat(scalars)]
    return arguments, torch.arange(count).repeat_interleave(NODES), torch.cat(targets)


def run(rank: int, world: int) -> dict[str, torch.Tensor]:
    network = model()
    breaker = network.breaker
    trained = DistributedDataParallel(network) if world > 1 else network
    optimiser = torch.optim.SGD(trained.parameters(), lr=0.1)
    mine = GRAPHS // world
    drawn = []
    for step in range(STEPS):
        arguments, batch, targets = inputs(rank * mine, mine, step)
        index = breaker.draw(mine)
        drawn.append(index)
        loss = torch.nn.functional.mse_loss(trained(*arguments, batch=batch, index=index), targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    result = {f"weight {name}": value.detach() for name, value in network.named_parameters()}
    result |= {f"gradient {name}": value.grad for name, value in network.named_parameters()}
    return result | {"drawn": torch.stack(drawn)}


def main() -> None:
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    rank, world, store, output = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
    if world > 1:
        dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=world)
    torch.save(run(rank, world), output)
    if world > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
