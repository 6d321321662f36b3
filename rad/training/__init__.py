"""A run from its first frame to its last: what it does, says, costs, and how it goes on."""
