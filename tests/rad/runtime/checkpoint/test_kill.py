import subprocess
import sys

import pytest

from rad.runtime import checkpoint

# One process imports torch once; its forked children write until they are killed. The buffer grows by 4 MB a
# checkpoint, the weights change with each, and x says which checkpoint it is.
ROUNDS = """
import os, random, signal, sys, time
import torch
from rad.runtime import checkpoint

torch.set_num_threads(1)
folder, rounds, source, newest = sys.argv[1], int(sys.argv[2]), random.Random(1), 0
rows = torch.randint(0, 256, (200, 400_000), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))

def replay(number):
    return rows[: 10 * (number % 20) + 10]

def write(first, told):
    for number in range(first, 10_000):
        state = {"x": number, "replay": replay(number), "weights": torch.full((300_000,), float(number))}
        checkpoint.save(folder, number, state)
        os.write(sender, b"%d\\n" % number)

for _ in range(rounds):
    listening, sender = os.pipe()
    child = os.fork()
    if child == 0:
        write(newest + 1, sender)
    os.close(sender)
    reports = os.read(listening, 100) if newest == 0 else b""
    time.sleep(source.uniform(0.0, 0.4))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while more := os.read(listening, 1000):
        reports += more
    os.close(listening)
    frames, state = checkpoint.load(folder)
    assert frames >= max([newest, *map(int, reports.split())])  # what was reported as saved is there
    assert state["x"] == frames and torch.all(state["weights"] == frames)
    assert torch.equal(state["replay"], replay(frames))
    newest = frames
print(newest)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")
def test_a_writer_killed_at_any_moment_leaves_a_whole_checkpoint(tmp_path):
    command = [sys.executable, "-W", "error", "-c", ROUNDS, str(tmp_path), "20"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=290)
    assert done.returncode == 0, done.stderr
    newest = int(done.stdout)
    assert newest > 1
    checkpoint.save(tmp_path, newest + 1, {}, keep=1)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [f"{newest + 1:012d}.json"]
