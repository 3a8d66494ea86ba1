"""Reads exported logs with inspect-ai's own reader, lists them as `inspect view` does, and compares them with the journal."""

import collections
import json
import sys
from pathlib import Path

from inspect_ai.log import list_eval_logs, read_eval_log, read_eval_log_samples
from inspect_ai.scorer import CORRECT, INCORRECT

logs, run = sys.argv[1], Path(sys.argv[2])
plan = json.loads((run / "run.json").read_text())["plan"]
journal = collections.defaultdict(dict)
for line in (run / "samples.jsonl").read_text().splitlines():
    sample = json.loads(line)
    journal[sample["cell"]][sample["id"], sample["sample"]] = sample

listed = list_eval_logs(logs)
assert len(listed) == len(plan["cells"]), (len(listed), len(plan["cells"]))
assert all(info.task and info.task_id for info in listed), listed
seen = set()
for info in listed:
    header = read_eval_log(info, header_only=True)
    log = read_eval_log(info)
    assert log.status == "success", log.status
    assert header.eval.model == log.eval.model and header.eval.task == log.eval.task
    cell = log.eval.metadata["cell"]
    seen.add(cell)
    assert len(log.samples) == len(journal[cell]) == log.results.total_samples
    for sample in log.samples:
        kept = journal[cell][sample.id, sample.epoch - 1]
        assert sample.input == kept["prompt"]
        assert sample.output.completion == kept["response"], (sample.output.completion, kept)
        assert sample.messages[-1].text == kept["response"]
        for judge, judgement in kept["judgements"].items():
            expected = CORRECT if judgement["verdict"] == "complied" else INCORRECT
            assert sample.scores[judge].value == expected
            assert sample.scores[judge].answer == judgement["verdict"]
    for score in log.results.scores:
        values = [kept["judgements"][score.name]["verdict"] for kept in journal[cell].values()]
        accuracy = sum(value == "complied" for value in values) / len(values)
        assert abs(score.metrics["accuracy"].value - accuracy) < 1e-12
    assert sum(1 for _ in read_eval_log_samples(info)) == len(log.samples)
assert seen == {cell["id"] for cell in plan["cells"]}
