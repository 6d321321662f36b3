"""Losses as pure functions: tensors in, a loss or (loss, metrics) out."""
