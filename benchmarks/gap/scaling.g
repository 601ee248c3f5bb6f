# Cost against group order: classes of elements and classes of subgroups of growing groups.
Read("benchmarks/gap/lib.g");

Measure := function(name, build, subgroups)
  Report(Concatenation(name, " elements"), MedianSeconds(build, G -> Length(ConjugacyClasses(G)), 3),
         Length(ConjugacyClasses(build())));
  if subgroups then
    Report(Concatenation(name, " subgroups"), MedianSeconds(build, G -> Length(ConjugacyClassesSubgroups(G)), 3),
           Length(ConjugacyClassesSubgroups(build())));
  fi;
end;

for n in [3 .. 6] do
  Measure(Concatenation("S_", String(n)), function() return Group(PermList(Concatenation([2 .. n], [1])), (1,2)); end, true);
od;
Measure("S_7", function() return Group((1,2,3,4,5,6,7), (1,2)); end, false);
for n in [2 .. 4] do
  Measure(Concatenation("hyperoctahedral ", String(n)), function() return Hyperoctahedral(n); end, true);
od;
Measure("hyperoctahedral 5", function() return Hyperoctahedral(5); end, true);
for n in [6, 20, 60, 200, 400] do
  Measure(Concatenation("D_", String(n)), function() return DihedralOnPoints(n); end, true);
od;
