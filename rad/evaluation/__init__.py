"""A trained run played: its returns, its comparison on splits, and what the splits look like."""
