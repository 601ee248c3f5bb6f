# Conjugacy classes of subgroups.
Read("benchmarks/gap/lib.g");

Count := G -> Length(ConjugacyClassesSubgroups(G));
Measure := function(name, build, times)
  Report(name, MedianSeconds(build, Count, times), Count(build()));
end;

Measure("Oh", function() return Hyperoctahedral(3); end, 9);
Measure("Ih", IcosahedralIh, 9);
Measure("S_5", function() return Group((1,2,3,4,5), (1,2)); end, 5);
Measure("S_6", function() return Group((1,2,3,4,5,6), (1,2)); end, 5);
Measure("hyperoctahedral 4", function() return Hyperoctahedral(4); end, 5);
# D_200 is the symmetry group of the 200-gon, of order 400. As permutations and as a polycyclic group, GAP's faster form.
Measure("D_200 x C_2", function() return DirectProduct(DihedralOnPoints(200), Group((1,2))); end, 5);
Measure("D_200 x C_2 polycyclic", function() return DirectProduct(DihedralGroup(400), CyclicGroup(2)); end, 5);
Measure("S_4 x S_4", function() return DirectProduct(SymmetricGroup(4), SymmetricGroup(4)); end, 3);
Measure("Oh x S_4", function() return DirectProduct(Hyperoctahedral(3), SymmetricGroup(4)); end, 3);
