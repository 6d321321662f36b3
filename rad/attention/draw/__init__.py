"""Figures and videos of maps."""
