"""Heads: features in, distributions or values out. They know nothing of images."""
