"""The rescaling networks, the table of all of them, and their trained weights."""
