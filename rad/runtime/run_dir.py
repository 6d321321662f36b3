"""What the files in the folder of a run, and in that of several runs, are called, and whether a run has ended."""

from pathlib import Path

# A run
CONFIG_FILE = "config.json"
METRICS_FILE = "metrics.jsonl"
CHECKPOINTS = "checkpoints"
BLOBS = "blobs"  # in it: the contents of all checkpoints
EVALUATIONS = "evaluations"
DONE_FILE = "done.json"
AGENT_SUFFIX = ".safetensors"  # of exported agents
BEST_FILE = f"best{AGENT_SUFFIX}"
DEMO_FILE = "demo.json"
VIDEO_FILE, CURVE_FILE, ATTENTION_PICTURE = "evaluation.mp4", "learning_curve.png", "attention.png"

# Several runs
RECORD_FILE = "sweep.json"
LOGS = "logs"
ATTENTION_FILE = "attention.json"


def is_done(folder: Path) -> bool:
    """Tell whether a run was trained and evaluated to its end; versions before the marker drew the curve last."""
    return any((folder / name).is_file() for name in (DONE_FILE, CURVE_FILE))
