"""What the files in the folder of a run, and in that of several runs, are called."""

# A run
CONFIG_FILE = "config.json"
METRICS_FILE = "metrics.jsonl"
CHECKPOINTS = "checkpoints"
EVALUATIONS = "evaluations"
DEMO_FILE = "demo.json"
VIDEO_FILE, CURVE_FILE, ATTENTION_PICTURE = "evaluation.mp4", "learning_curve.png", "attention.png"

# Several runs
RECORD_FILE = "sweep.json"
LOGS = "logs"
ATTENTION_FILE = "attention.json"
