"""Evaluations beside training: what is said while the run waits for one."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rad.runtime.logging import RunLog
from rad.runtime.progress import Progress
from rad.training import evaluations
from rad.training.evaluations import Evaluations
from rad.training.messages import EVALUATION, RANDOM_POLICY
from tests.integration.runs import tiny


@pytest.mark.parametrize(
    ("kind", "ready", "said"),
    [
        (EVALUATION, False, ["0/60 frames  waiting for evaluation at 20 frames  training left"]),
        (RANDOM_POLICY, False, ["0/60 frames  waiting for random policy  training left"]),
        (EVALUATION, True, []),
    ],
)
def test_a_run_says_what_it_waits_for(
    kind: str,
    ready: bool,
    said: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    workers: Any = SimpleNamespace(ready=ready, begin=lambda names, policy: None, finish=dict)
    monkeypatch.setattr(evaluations, "EvaluationWorkers", lambda folder, count: workers)
    with RunLog(tmp_path, tensorboard=False) as log:
        played = Evaluations(tiny(eval_workers=1), tmp_path, log, Progress(60))
        played.begin(kind, None, 20, 20)
        assert capsys.readouterr().out == ""
        played.finish()
        played.finish()
    assert [line for line in capsys.readouterr().out.splitlines() if line] == said
