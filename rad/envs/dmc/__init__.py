"""The DeepMind Control suite: its tasks, and all that changes their appearance."""
