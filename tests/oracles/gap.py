"""GAP as an oracle: brute answers about finite permutation groups, computed by GAP in a process of its own.

A group is a list of generators, a generator a sequence of images of 0..n-1.  Nothing here uses the library,
and GAP is asked in the plainest way (all classes of subgroups, all cosets), so that the two sides share no
idea that could be wrong in both.  Starting GAP takes about a second; the functions ending in ``s`` therefore
put many questions to one process.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

__all__ = [
    "generalised_normalizer_order",
    "generalised_normalizer_orders",
    "minimal_stabilizer_order",
    "minimal_stabilizer_orders",
    "requires_gap",
    "run_gap",
    "subgroup_class_count",
    "subgroup_class_counts",
]

Permutation = Sequence[int]
Generators = Sequence[Permutation]
#: An ambient group, the group of the input and the target.
Triple = tuple[Generators, Generators, Generators]

#: A question that takes GAP longer than this is too large for a test.
TIME_LIMIT_SECONDS = 600

NO_GAP = "gap is not installed (Debian: gap-core)"
requires_gap = pytest.mark.skipif(shutil.which("gap") is None, reason=NO_GAP)

_DEFINITIONS = """
# {g in N_G(S) : K^g is S-conjugate to K} by going through the cosets of S in N_G(S).
GeneralisedNormalizer := function(G, S, K)
  local N;
  N := Normalizer(G, S);
  return ClosureGroup(S, Filtered(List(RightTransversal(N, S)), g -> IsConjugate(S, K, K^g)));
end;

# max |H|, H <= M, with H meeting S in an S-conjugate of K or, unless exact, in a subgroup of one.
StabilizerOrder := function(G, S, K, exact)
  local M, allowed, best, class, H, meet;
  M := GeneralisedNormalizer(G, S, K);
  allowed := AsList(ConjugacyClassSubgroups(S, K));
  best := 0;
  for class in ConjugacyClassesSubgroups(M) do
    H := Representative(class);
    if Size(H) > best then
      meet := Intersection(H, S);
      if (exact and meet in allowed) or (not exact and ForAny(allowed, C -> IsSubgroup(C, meet))) then
        best := Size(H);
      fi;
    fi;
  od;
  return [Size(M), best];
end;
"""


def run_gap(script: str) -> Any:
    """Run statements that assign numbers, booleans, strings or lists of them to ``result``; return that.

    Skips the calling test when GAP is not installed; raises RuntimeError with GAP's own words when the
    script fails.
    """
    executable = shutil.which("gap")
    if executable is None:
        pytest.skip(NO_GAP)
    last = 'Print("\\nRESULT", result, "\\n");\n'
    whole = f'SetPrintFormattingStatus("*stdout*", false);\n{script}\n{last}'
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "question.g"
        path.write_text(whole, encoding="ascii")
        command = [executable, "-q", "--nointeract", str(path)]
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT_SECONDS,
            check=False,
        )
    answer = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
    if len(answer) != 1:
        raise RuntimeError(f"GAP gave no result:\n{done.stdout}\n{done.stderr}")
    return json.loads(answer[0].removeprefix("RESULT"))


def _group(generators: Generators) -> str:
    images = [[int(i) + 1 for i in g] for g in generators]
    return "Group(Concatenation([()], List(" + json.dumps(images) + ", PermList)))"


def subgroup_class_counts(groups: Sequence[Generators]) -> list[tuple[int, int, int]]:
    """For each group its order, its number of classes of subgroups and its number of subgroups."""
    lines = ["result := [];"]
    for generators in groups:
        lines.append(f"G := {_group(generators)}; classes := ConjugacyClassesSubgroups(G);")
        lines.append("Add(result, [Size(G), Length(classes), Sum(classes, Size)]);")
    return [(a, b, c) for a, b, c in run_gap("\n".join(lines))]


def subgroup_class_count(generators: Generators) -> int:
    """Number of conjugacy classes of subgroups."""
    return subgroup_class_counts([generators])[0][1]


def generalised_normalizer_orders(triples: Sequence[Triple]) -> list[int]:
    """|{g in N_G(S) : gKg^-1 is S-conjugate to K}| for each (G, S, K)."""
    lines = [_DEFINITIONS, "result := [];"]
    for triple in triples:
        arguments = ", ".join(map(_group, triple))
        lines.append(f"Add(result, Size(GeneralisedNormalizer({arguments})));")
    return [int(n) for n in run_gap("\n".join(lines))]


def generalised_normalizer_order(G: Generators, S: Generators, K: Generators) -> int:
    """|{g in N_G(S) : gKg^-1 is S-conjugate to K}|."""
    return generalised_normalizer_orders([(G, S, K)])[0]


def minimal_stabilizer_orders(triples: Sequence[Triple], *, exact: bool = True) -> list[tuple[int, int]]:
    """(|M|, |H|) for each (G, S, K): M the generalised normalizer, H a largest subgroup of M breaking S to K.

    H meets S in an S-conjugate of K or, with ``exact=False``, inside one; the minimal set has |M|/|H|
    objects.
    """
    flag = "true" if exact else "false"
    lines = [_DEFINITIONS, "result := [];"]
    for triple in triples:
        arguments = ", ".join(map(_group, triple))
        lines.append(f"Add(result, StabilizerOrder({arguments}, {flag}));")
    return [(m, h) for m, h in run_gap("\n".join(lines))]


def minimal_stabilizer_order(G: Generators, S: Generators, K: Generators, *, exact: bool = True) -> int:
    """Order of a largest stabilizer H; see :func:`minimal_stabilizer_orders`."""
    return minimal_stabilizer_orders([(G, S, K)], exact=exact)[0][1]
