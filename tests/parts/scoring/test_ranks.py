import subprocess
import sys

import pytest
from random_models import LINES

from fournil.parts.scoring import open_scorer
from fournil.parts.scoring.ranks import share_of_requests

SCRIPT = """
import json, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from fournil.core.errors import FournilError
from fournil.parts.scoring import open_scorer, ranks, scorer
ranks.join()
if ranks.is_follower():
    scorer.follow()
    sys.exit()
model = open_scorer(Path(sys.argv[1]))
pairs = [(line, " " + other) for line in json.loads(sys.argv[2]) for other in ("Le chat", "The cat", "x")]
scores = [(one.value, one.greedy) for one in model.log_likelihoods(pairs)]
texts = [one.text for one in model.generate(json.loads(sys.argv[2]), stops=[["e"]] * 4, max_new_tokens=12)]
rolling = model.rolling(json.loads(sys.argv[2]))
try:
    model.log_likelihoods([("a", "b"), ("Le chat", "")])
except FournilError as error:
    said = str(error)
try:
    open_scorer(Path(sys.argv[1]) / "nothing")
except FournilError as error:
    said += str(error)
model = open_scorer(Path(sys.argv[1]))
whole, model.score_here = model.score_here, lambda *_: 1 / 0
try:
    model.log_likelihoods(pairs)
except FournilError as error:
    said += str(error)
model.score_here = whole
assert [(one.value, one.greedy) for one in model.log_likelihoods(pairs)] == scores
ranks.dismiss()
print(json.dumps([scores, texts, rolling, said]))
"""


def test_two_processes_score_as_one(random_llama, tmp_path):
    import json

    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
        str(script), str(random_llama), json.dumps(LINES),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    scores, texts, rolling, said = json.loads(done.stdout.splitlines()[-1])
    alone = open_scorer(random_llama)
    pairs = [(line, " " + other) for line in LINES for other in ("Le chat", "The cat", "x")]
    expected = alone.log_likelihoods(pairs)
    assert [value for value, _ in scores] == pytest.approx([one.value for one in expected], abs=2e-5)
    assert [best for _, best in scores] == [one.greedy for one in expected]
    assert texts == [one.text for one in alone.generate(LINES, stops=[["e"]] * 4, max_new_tokens=12)]
    assert rolling == pytest.approx(alone.rolling(LINES), abs=1e-4)
    assert "no tokens of its own" in said
    assert "no model here" in said
    assert "ZeroDivisionError" in said


@pytest.mark.parametrize("ranks", [1, 2, 3, 7])
@pytest.mark.parametrize("num", [0, 1, 5, 100])
def test_shares_are_all_requests_once(random_llama, ranks, num):
    requests = open_scorer(random_llama).encoder.pairs([(LINES[i % 4], f" {i}") for i in range(num)])
    parts = [requests[share_of_requests(requests, rank, ranks)] for rank in range(ranks)]
    assert [request for part in parts for request in part] == requests
