"""What the asymmetry of an object can reach: paths of tensor products, a verdict before training, a probe of a model."""
