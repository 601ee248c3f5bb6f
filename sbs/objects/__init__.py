"""From a stabilizer to the vectors that a network takes."""
