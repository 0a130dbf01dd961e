"""The parts networks are made of: torch only, never a file."""
