# All targets of O_h and of I_h, classes of subgroups included, by both routes. In O(3) each of the two is its own normalizer.
Read("benchmarks/gap/lib.g");

pairOh := function() local G; G := Hyperoctahedral(3); return [G, G]; end;
pairIh := function() local G; G := IcosahedralIh(); return [G, G]; end;

Report("Oh targets by complements", MedianSeconds(pairOh, AllTargetsByComplement, 9), Length(AllTargetsByComplement(pairOh())));
Report("Oh targets by classes", MedianSeconds(pairOh, AllTargetsByClasses, 9), Length(AllTargetsByClasses(pairOh())));
Report("Ih targets by complements", MedianSeconds(pairIh, AllTargetsByComplement, 9), Length(AllTargetsByComplement(pairIh())));
Report("Ih targets by classes", MedianSeconds(pairIh, AllTargetsByClasses, 9), Length(AllTargetsByClasses(pairIh())));
