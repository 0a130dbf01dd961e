"""The laboratory: what measures, compares and publishes models. Run from a checkout; nothing here is installed."""
