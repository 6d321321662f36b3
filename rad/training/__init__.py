"""A run from its first frame to its last: training, messages, cost, and resuming."""
