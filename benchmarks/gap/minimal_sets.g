# Minimal sets of single pairs in larger groups.
Read("benchmarks/gap/lib.g");

ByComplement := triple -> SizeByComplement(triple[1], triple[2], triple[3]);
ByClasses := triple -> SizeByClasses(triple[1], triple[2], triple[3], []);
Measure := function(name, build, times)
  Report(Concatenation(name, " by complements"), MedianSeconds(build, ByComplement, times), ByComplement(build()));
  Report(Concatenation(name, " by classes"), MedianSeconds(build, ByClasses, times), ByClasses(build()));
end;

signs := n -> List([1 .. n - 1], i -> (2*i-1, 2*i)(2*i+1, 2*i+2));

# By classes the counterexample's group, of order 1024, takes many minutes and is left out.
Report("counterexample by complements", MedianSeconds(CounterexampleTriple, ByComplement, 3),
       ByComplement(CounterexampleTriple()));
Measure("hyperoctahedral 5, even signs to 1",
  function() local G; G := Hyperoctahedral(5); return [G, Group(signs(5)), Group(())]; end, 3);
Measure("hyperoctahedral 5, even signs to C2",
  function() local G; G := Hyperoctahedral(5); return [G, Group(signs(5)), Group((1,2)(3,4))]; end, 3);
Measure("hyperoctahedral 5, inversion to 1",
  function() local G; G := Hyperoctahedral(5); return [G, Group((1,2)(3,4)(5,6)(7,8)(9,10)), Group(())]; end, 3);
Measure("hyperoctahedral 5, derived subgroup to 1",
  function() local G; G := Hyperoctahedral(5); return [G, DerivedSubgroup(G), Group(())]; end, 3);
