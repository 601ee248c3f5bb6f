"use strict";
// Text of the Concepts page: for a reader who knows neural networks and not crystallography. $...$ is a formula.

const ConceptText = [
  {
    id: "representation",
    title: "1 · Representation: how a symmetry acts on features",
    before: [
      "A symmetry operation g is something you can do to a whole scene: turn it, reflect it. Every feature that lives in the scene has to follow. " +
      "A scalar stays as it is, an arrow turns along, a matrix-like feature turns in its own way. If a feature is a vector b of numbers, then to follow means that a matrix $D(g)$ acts on it, " +
      "and doing h after g must multiply the matrices. Such a family of matrices is a representation:",
    ],
    formula: "b → D(g) b ,   D(h g) = D(h) D(g)",
    try: "Turn the feature. The picture and the matrix are two views of the same thing: the picture turns as a body, the numbers are mixed by D(g). Turn it by 360°: the matrix is the identity again.",
    after: ["A network f is equivariant if it makes no difference whether you transform the input or the output: $f(D_"+'{"in"}'+"(g) x) = D_"+'{"out"}'+"(g) f(x)$. " +
      "That is the constraint that e3nn, MACE or NequIP build into their weights, and it is why they need little data."],
  },
  {
    id: "irreps",
    title: "2 · Irreps: the blocks that are not mixed further",
    before: [
      "Take the nine numbers of a 3 × 3 matrix that belongs to a body, a stress for example. Under a rotation R they are mixed by a 9 × 9 matrix, $R ⊗ R$. Written in a better basis the nine fall apart into blocks that never mix: " +
      "the trace (1 number), the antisymmetric part (3 numbers) and the symmetric part without trace (5 numbers). These irreducible representations, irreps for short, are numbered by l = 0, 1, 2, …; the block l has 2l + 1 numbers.",
    ],
    formula: "1 ⊗ 1 = 0 ⊕ 1 ⊕ 2 ,   9 = 1 + 3 + 5",
    try: "Turn, and switch the basis: in the nine products every number mixes with every other one; in the basis of irreps everything outside three blocks stays empty, at every angle.",
    after: ["Reflections add a sign, the parity: “e” for even (unchanged by inversion) and “o” for odd. An arrow is 1o. A rotation axis with a sense of turning is 1e. A handedness (left or right screw) " +
      "is a single number that changes sign under every mirror: 0o, a pseudoscalar. “1x0o+1x3e” reads: one pseudoscalar, and one block of degree 3 with even parity."],
  },
  {
    id: "harmonics",
    title: "3 · Spherical harmonics: irreps as pictures",
    before: [
      "The 2l + 1 numbers of an irrep can be read as coefficients of spherical harmonics: functions on the sphere with l nodal lines. So a feature of degree l can be drawn as the surface whose distance from the origin is the size of the function. " +
      "Orange lobes are positive, blue ones negative.",
    ],
    formula: "f(v) = Σ_m b_m Y_{l m}(v) ,   m = −l , … , l",
    try: "Go through the degrees. The more nodal lines, the finer the directions that a feature can tell apart, and the smaller the groups that can leave it unchanged.",
    after: ["l = 0 is a scalar, l = 1 an arrow, l = 2 the shape of an ellipsoid without its size. Most networks carry features up to l = 2 or 3, and that limit decides which symmetries they can break."],
  },
  {
    id: "product",
    title: "4 · Tensor product: how irreps multiply",
    before: [
      "Networks need products of features, and a product must again be made of irreps. Two arrows a and b have nine products of components; these fall apart into three blocks: " +
      "a scalar (the dot product), an axial vector (the cross product), and five numbers of degree 2.",
    ],
    formula: "l_1 ⊗ l_2 = |l_1 − l_2| ⊕ … ⊕ (l_1 + l_2)",
    try: "Change the angle between the two arrows and watch the three parts. When the arrows are parallel, the cross product is gone: the product has exactly the symmetry that the pair has.",
    after: ["This is the nonlinearity of an equivariant network. It also decides whether a breaker can do its work: what b lacks in symmetry must reach the output through some chain of such products."],
  },
  {
    id: "obstacle",
    title: "5 · Why an equivariant network cannot break a symmetry",
    before: [
      "Let the input be a cube of atoms. It has 48 symmetries: for each of them g x = x. So the output has all 48 symmetries too, whatever the weights are. " +
      "But no arrow survives 48 symmetries, so a network that is asked for the direction in which the central atom moves can only answer zero.",
    ],
    formula: "g x = x   ⇒   f(x) = f(g x) = g f(x)",
    try: "An output with all symmetries is the mean over all copies of anything the network would like to say. Add the copies of one arrow one by one. The elements come in cosets of D2, and the four members of each cancel, " +
      "so the mean is zero after every four copies, wanders off in between, and is zero for the whole group at 48.",
    after: ["More layers, more data, other weights: nothing helps, because the input simply does not say which of the equivalent outputs is meant. " +
      "Nature decides by a small accident. A network needs to be told."],
  },
  {
    id: "set",
    title: "6 · A symmetry-breaking set",
    before: [
      "The remedy: give the network one more input b, an object that carries the missing asymmetry, and train f(x, b). Only the symmetries that x and b share must survive in the output. " +
      "For a cube whose central atom moves towards a face, an arrow towards that face is enough. All objects that could have been given form the symmetry-breaking set: here six arrows.",
    ],
    formula: '"Stab"(f(x, b)) ⊇ "Stab"(x) ∩ "Stab"(b)',
    try: "Choose an object; the displacement follows it.",
    after: ["The smallest set has as many objects as M has images of one of them, $|P| = |M| / |H|$: H is the largest group of symmetries of the pair (input, class of objects) that keeps of S exactly what the output keeps. What M is, comes next."],
  },
  {
    id: "closed",
    title: "7 · The normalizer: why the set must be closed",
    before: [
      "The set must be a function of the symmetry of the input, and of nothing else: a cube turned by 90° is the same cube and must get the same set. " +
      "Less obvious: there are turns g that change the input but not its symmetry group. They form the normalizer of the group. " +
      "A three-sided prism whose corners carry left-handed screws has the symmetry D3. Turned by 60° about its axis it is another prism, with the very same symmetry operations. " +
      "So the rule “symmetry → set” gives it the same set P. Equivariance demands the turned set gP. Both hold only if gP = P.",
    ],
    formula: "g S g^{−1} = S   ⇒   g P = P",
    try: "Two sets of six arrows are on offer, and either one breaks all of D3. Turn the prism by 60° and compare: solid arrows are the turned set gP, dashed ones the set P that the rule gives; crosses mark arrows of gP that are not in P.",
    after: ["With the set that is not closed, the network is told contradictory things: after the turn the objects that it was trained on are not in the set any more, and the new ones are those it has never seen. " +
      "The solver of this library only returns sets that are closed, and proves that no smaller one is."],
  },
  {
    id: "degeneracy",
    title: "8 · Degeneracy: how many orbits must be learned",
    before: [
      "The symmetries of the input carry objects into each other, and outputs along with them: if the network knows the answer to one object, equivariance tells it the answers to all that the symmetries make of it. Those form one orbit. " +
      "Being closed under the normalizer can force a set to have several orbits, and their number is the degeneracy. A set is ideal if it has one orbit and one object for each equivalent output.",
    ],
    formula: '"degeneracy" = |P| |K| / |S|',
    try: "An input of symmetry C2 in a cubic lattice needs four objects, in two orbits. Show the network one pair (object, output) after the other, and see which answers it knows: the shape of a mark tells the orbit.",
    after: ["Every finite set in O(3) that this page holds is ideal; degeneracy above one comes from a lattice (a finite ambient group) or from limits on the degree. An infinite set can be ideal too, for a linear molecule: one orbit, a circle of objects."],
  },
  {
    id: "efficiency",
    title: "9 · Data efficiency: measured",
    before: [
      "So the degeneracy is the number of training pairs after which every other answer follows. The curves are our own run (benchmarks/data_efficiency.py): a small network is shown n pairs and then asked for all outputs; the error is relative to the length of an output.",
    ],
    formula: '"pairs needed" = "degeneracy"',
    try: "Move n. With an ideal set one pair is enough (the small error left is where the optimiser stops); with two orbits the error stays until the second orbit has been shown; a network without equivariance has to see every pair.",
    after: ["The same holds for real tasks: in the example of barium titanate of this library three pairs, one for each ferroelectric phase, give all 26 domain states."],
  },
];
