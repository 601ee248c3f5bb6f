# Shared by the scripts of this folder. Times are of a warm process; every repetition builds its groups anew, because GAP
# keeps what it has found out about a group with the group.

# Median wall time in seconds of job(build()) over `times` repetitions; only job is timed. One untimed run comes first, so that
# GAP's libraries are loaded.
MedianSeconds := function(build, job, times)
  local laps, start, object, i;
  job(build());
  laps := [];
  for i in [1 .. times] do
    object := build();
    start := NanosecondsSinceEpoch();
    job(object);
    Add(laps, (NanosecondsSinceEpoch() - start) / 10^9);
  od;
  Sort(laps);
  return Float(laps[QuoInt(times + 1, 2)]);
end;

# The generalised normalizer {g in N_G(S) : K^g is S-conjugate to K} = S N_{N_G(S)}(K).
GeneralisedNormalizer := function(G, S, K)
  local N;
  if IsTrivial(K) then return Normalizer(G, S); fi;
  N := Normalizer(G, S);
  return ClosureGroup(S, Normalizer(N, K));
end;

# Largest |H|, H <= M, with H meeting S in exactly K, out of the classes of subgroups of M.
LargestByClasses := function(M, S, K, classes)
  local best, class, H, meet;
  best := 0;
  for class in classes do
    H := Representative(class);
    if Size(H) > best and Size(H) mod Size(K) = 0 then
      meet := Intersection(H, S);
      if Size(meet) = Size(K) and IsConjugate(M, meet, K) then best := Size(H); fi;
    fi;
  od;
  return best;
end;

# Route A. If N_S(K)/K has a complement in N_M(K)/K its preimage is the largest stabilizer; if not, search the classes of
# subgroups of the quotient. Returns the size of the minimal set.
SizeByComplement := function(G, S, K)
  local M, NM, NS, hom, Q, A, best;
  M := GeneralisedNormalizer(G, S, K);
  NM := Normalizer(M, K);
  NS := Intersection(NM, S);
  hom := NaturalHomomorphismByNormalSubgroup(NM, K);
  Q := Image(hom);
  A := Image(hom, NS);
  if IsSolvableGroup(A) or IsSolvableGroup(Q) or Size(A) = Size(Q) then
    if Length(ComplementClassesRepresentatives(Q, A)) > 0 then return Size(S) / Size(K); fi;
  fi;
  best := LargestByClasses(Q, A, TrivialSubgroup(Q), ConjugacyClassesSubgroups(Q));
  return Size(M) / (best * Size(K));
end;

# Route B. One ConjugacyClassesSubgroups for each distinct M, handed from target to target in `known`.
SizeByClasses := function(G, S, K, known)
  local M, entry;
  M := GeneralisedNormalizer(G, S, K);
  entry := First(known, e -> e[1] = M);
  if entry = fail then
    entry := [M, ConjugacyClassesSubgroups(M)];
    Add(known, entry);
  fi;
  return Size(M) / LargestByClasses(M, S, K, entry[2]);
end;

# Sizes for every class of targets K < S, the classes of subgroups of S being part of the work.
AllTargetsByComplement := function(pair)
  return List(ConjugacyClassesSubgroups(pair[2]), c -> SizeByComplement(pair[1], pair[2], Representative(c)));
end;

AllTargetsByClasses := function(pair)
  local known, classes;
  classes := ConjugacyClassesSubgroups(pair[2]);
  known := [[pair[2], classes]];
  return List(classes, c -> SizeByClasses(pair[1], pair[2], Representative(c), known));
end;

# {1..2n} with 2i-1, 2i the two ends of axis i: the symmetries of the n-cube.
Hyperoctahedral := n -> Group(Concatenation(
  [(1,2)], List([1 .. n - 1], i -> (2*i-1, 2*i+1)(2*i, 2*i+2))));

# The symmetries of the icosahedron: A5 on five points and the inversion on two more.
IcosahedralIh := function() return Group((1,2,3,4,5), (1,2,3), (6,7)); end;

# Dihedral group of the n-gon (order 2n).
DihedralOnPoints := function(n)
  return Group(PermList(Concatenation([2 .. n], [1])), PermList(Reversed([1 .. n])));
end;

# The counterexample of Xie and Smidt (arXiv:2402.02681): h x h, h of order 32, on the points of h's regular action twice.
CounterexampleTriple := function()
  local F, r, s, c, h, hom, P, gens, shift, a, b, move;
  F := FreeGroup("r", "s", "c");
  r := F.1; s := F.2; c := F.3;
  h := F / [r^2, s^4, (r*s)^2, c^2, s*c*s^3*c, (r*c)^4];
  hom := RegularActionHomomorphism(h);
  P := Image(hom);
  gens := List(GeneratorsOfGroup(h), g -> Image(hom, g));
  shift := Product([1 .. Size(h)], i -> (i, i + Size(h)));
  move := g -> g^shift;
  a := gens; b := List(gens, move);
  return [Group(Concatenation(a, b)),
          Group([a[1], a[2]^2, a[3], b[1], b[2]^2, b[3]]),
          Group([a[3] * b[3]])];
end;

# One line of JSON for each measurement.
Report := function(name, seconds, value)
  Print("{\"name\": \"", name, "\", \"seconds\": ", String(seconds), ", \"value\": ", value, "}\n");
end;
SetPrintFormattingStatus("*stdout*", false);
