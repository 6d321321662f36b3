"""What each object does to an agent's output, and how well maps agree with it."""
