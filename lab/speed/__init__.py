"""Commands that claims of speed and memory rest on; see README.md."""
