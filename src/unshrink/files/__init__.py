"""Pictures in and out, and the LR file; never imports torch. What is used is imported from its own module."""
