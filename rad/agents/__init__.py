"""Agents: an update that reads as the algorithm, its hyperparameters beside it."""
