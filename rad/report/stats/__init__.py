"""Intervals, aggregates and comparisons of returns, and scores that others published."""
