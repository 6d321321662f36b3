"""From settings to parts: what a run is, what it may be, and what it is made of."""
