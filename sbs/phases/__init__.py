"""From a symmetric crystal or molecule on a saddle to its lower phases, each relaxed in its own few coordinates."""
