"""This process among others: signals that stop it, and those that train together with it."""
