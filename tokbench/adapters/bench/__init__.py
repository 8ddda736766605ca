"""How fast engines are and what else they cost."""
