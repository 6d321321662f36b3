"""Sweeps: independent runs in one folder, on this machine or on Ray; a run is finished or not by its folder alone."""
