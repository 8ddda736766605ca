"""Published evaluations of the Pythia suite, and what the same models cost."""
