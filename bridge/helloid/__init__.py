"""HelloID's contracts: a request of its wrapper scripts in, the answer that HelloID expects out."""
