import random
import signal
import subprocess
import sys
import time

import pytest
import torch

from rad.runtime import checkpoint

# A buffer that grows by 4 MB a checkpoint, and weights that change; x tells which checkpoint it is.
WRITER = """
import sys, torch
from rad.runtime import checkpoint
folder, first = sys.argv[1], int(sys.argv[2])
generator = torch.Generator().manual_seed(0)
rows = torch.randint(0, 256, (200, 400_000), dtype=torch.uint8, generator=generator)
print("ready", flush=True)
for number in range(first, 10_000):
    state = {"x": number, "replay": rows[: 10 * (number % 20) + 10], "weights": torch.full((300_000,), float(number))}
    checkpoint.save(folder, number, state)
    print(number, flush=True)
"""


@pytest.mark.slow
def test_a_writer_killed_at_any_moment_leaves_a_whole_checkpoint(tmp_path):
    source, newest = random.Random(1), 0
    generator = torch.Generator().manual_seed(0)
    reference = torch.randint(0, 256, (200, 400_000), dtype=torch.uint8, generator=generator)
    for _ in range(8):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(newest + 1)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout.readline() == "ready\n"
        if not newest:
            assert writer.stdout.readline() == "1\n"
        time.sleep(source.uniform(0.02, 0.6))
        writer.send_signal(signal.SIGKILL)
        told = [int(line) for line in writer.stdout.read().split()]
        writer.wait()
        writer.stdout.close()
        frames, state = checkpoint.load(tmp_path)
        assert frames >= max([newest, *told])  # what was reported as saved is there
        assert state["x"] == frames and torch.all(state["weights"] == frames)
        assert torch.equal(state["replay"], reference[: 10 * (frames % 20) + 10])
        newest = frames
    checkpoint.save(tmp_path, newest + 1, {})
    checkpoint.save(tmp_path, newest + 2, {}, keep=1)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [f"{newest + 2:012d}.json"]
