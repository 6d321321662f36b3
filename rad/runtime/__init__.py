"""What a run needs around its mathematics: seeds, clocks, logs, checkpoints, signals, video, devices."""
