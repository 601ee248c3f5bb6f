"use strict";
// Text of the Concepts page: for a reader who knows neural networks and not crystallography.

const ConceptText = [
  {
    id: "representation",
    title: "1 · Representation: how a symmetry acts on features",
    before: [
      "A symmetry operation g is something you can do to a whole scene: turn it, reflect it. Every feature that lives in the scene has to follow. " +
      "A scalar stays as it is, an arrow turns along, a matrix-like feature turns in its own way. If a feature is a vector of numbers b, then following means b → D(g) b " +
      "with a matrix D(g), and doing h after g must multiply the matrices: D(h) D(g) = D(hg). Such a family of matrices is a representation.",
      "Turn the feature below. The picture and the matrix are two views of the same thing: the picture turns as a body, the numbers are mixed by D(g).",
    ],
    after: ["A layer f is equivariant if it does not matter whether you turn before or after it: f(D(g) x) = D′(g) f(x). " +
      "That is the constraint that e3nn, MACE or NequIP build into their weights, and it is why they need little data."],
  },
  {
    id: "irreps",
    title: "2 · Irreps and spherical harmonics: the building blocks",
    before: [
      "Any representation of rotations can be split into blocks that are not mixed further. These irreducible representations (irreps) are numbered by l = 0, 1, 2, …; " +
      "the block l has 2l + 1 numbers. l = 0 is a scalar, l = 1 an arrow, l = 2 the shape of an ellipsoid without its size.",
      "The 2l + 1 numbers are coefficients of spherical harmonics: functions on the sphere with l nodal lines. So a feature of degree l can be drawn as the surface r = |f(direction)|. " +
      "Dark lobes are positive, light ones negative.",
    ],
    after: ["Reflections add a sign, the parity: “e” for even (unchanged by inversion) and “o” for odd. An arrow is 1o. A rotation axis with a sense of turning is 1e. A handedness (left or right screw) " +
      "is a single number that changes sign under every mirror: 0o, a pseudoscalar. “1x0o+1x3e” reads: one pseudoscalar, and one block of degree 3 with even parity."],
  },
  {
    id: "product",
    title: "3 · Tensor product: how irreps multiply",
    before: [
      "Networks need products of features, and a product must again be made of irreps. Two arrows a and b have nine products of components; these fall apart into three blocks: " +
      "a scalar (the dot product), an axial vector (the cross product), and five numbers of degree 2. In general l₁ × l₂ gives every l from |l₁ − l₂| to l₁ + l₂.",
      "Change the angle between the two arrows and watch the three parts. When the arrows are parallel, the cross product is gone: the product has exactly the symmetry that the pair has.",
    ],
    after: ["This is the nonlinearity of an equivariant network. It also decides whether a breaker can do its work: what b lacks in symmetry must reach the output through some chain of such products."],
  },
  {
    id: "obstacle",
    title: "4 · Why an equivariant network cannot break a symmetry",
    before: [
      "Let the input be a cube of atoms. It has 48 symmetries: for each of them g x = x. Equivariance then says f(x) = f(g x) = g f(x): the output has all 48 symmetries too, whatever the weights are. " +
      "But no arrow survives 48 symmetries, so a network that is asked for the direction in which the central atom moves can only answer zero.",
      "The same seen as an average: an output with all symmetries is the mean over all turned copies of anything the network would like to say. Add the copies of one arrow one by one; at 48 they cancel.",
    ],
    after: ["More layers, more data, other weights: nothing helps, because the input simply does not say which of the equivalent outputs is meant. " +
      "Nature decides by a small accident. A network needs to be told."],
  },
  {
    id: "set",
    title: "5 · A symmetry-breaking set",
    before: [
      "The remedy: give the network one more input b, an object that carries the missing asymmetry, and train f(x, b). Only the symmetries that x and b share must survive in the output. " +
      "For a cube whose central atom moves towards a face, an arrow towards that face is enough. All objects that could have been given form the symmetry-breaking set: here six arrows.",
      "Choose an object; the displacement follows it.",
    ],
    after: ["The smallest set is ideal if it has one object for each equivalent output and they all form one orbit: then a single training pair (object, output) teaches all of them, because equivariance supplies the rest. " +
      "Its size follows from group theory: |M| / |H|, where H is the largest group of symmetries of the pair (input, object class) that keeps of S exactly what the output keeps."],
  },
  {
    id: "closed",
    title: "6 · Why the set must be closed under the normalizer",
    before: [
      "The set must be a function of the symmetry of the input, and of nothing else: a cube turned by 90° is the same cube and must get the same set. " +
      "Less obvious: there are turns g that change the input but not its symmetry group. They form the normalizer of the group. " +
      "A three-sided prism whose corners are marked left-handed has the symmetry D3. Turned by 60° about its axis it is another prism, with the very same symmetry operations. " +
      "So the rule “symmetry → set” gives it the same set P. Equivariance demands the turned set gP. Both hold only if gP = P.",
      "Two sets of six arrows are on offer, and either one breaks all of D3. Turn the prism and compare: solid arrows are the turned set gP, dashed ones the set P that the rule gives.",
    ],
    after: ["With the set that is not closed, the network is told contradictory things: after the turn the objects that it was trained on are not in the set any more, and the new ones are those it has never seen. " +
      "Training in one orientation says nothing about the other, though an equivariant network promised that it would. The solver of this library only returns sets that are closed, and proves that no smaller one is."],
  },
];
