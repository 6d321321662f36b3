"""Procgen: its games, their options and their levels."""
