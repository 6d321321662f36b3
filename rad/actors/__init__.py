"""Actors apart from the learner: who collects trajectories, where, and the loop that learns from them."""
