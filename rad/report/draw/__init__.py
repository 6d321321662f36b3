"""Figures and tables of numbers."""
