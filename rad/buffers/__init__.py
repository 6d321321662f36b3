"""Memory of past experience, stored as bytes."""
