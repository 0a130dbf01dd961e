"""Figures of quality: how far one picture is from another."""
