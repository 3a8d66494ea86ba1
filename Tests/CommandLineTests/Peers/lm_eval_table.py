"""Reads exported results with lm-evaluation-harness's own table-maker, and compares them with summary.csv."""

import csv
import json
import sys
from pathlib import Path

from lm_eval.utils import get_results_filenames, get_sample_results_filenames, make_table


def lines_of(table):
    """The cells of each line; a task's name stands in its first line alone."""
    task = ""
    for line in table.splitlines()[2:]:
        cells = [part.strip() for part in line.strip("|").split("|")]
        if len(cells) < 9:
            continue
        task = cells[0] or task
        yield [task] + cells[1:]


folder, run = Path(sys.argv[1]), Path(sys.argv[2])
rows = list(csv.DictReader((run / "summary.csv").open(encoding="utf-8")))
files = [str(file) for file in folder.rglob("*") if file.is_file()]
results = get_results_filenames(files)
assert len(results) == len({(row["defence"], row["alpha"], row["attack"]) for row in rows})
lines = 0
for file in results:
    result = json.loads(Path(file).read_text(encoding="utf-8"))
    table = make_table(result)
    arguments = result["config"]["model_args"]
    for task, numbers in result["results"].items():
        assert numbers["alias"] in table, table
        for row in rows:
            if (row["dataset"], row["attack"], row["defence"]) != (
                numbers["alias"], arguments["attack"], arguments["defence"],
            ) or float(row["alpha"]) != arguments["alpha"]:
                continue
            metric, column = ("asr", "asr") if f"asr,{row['judge']}" in numbers else ("over_refusal", "over_refusal")
            value = numbers[f"{metric},{row['judge']}"]
            assert abs(value - float(row[column])) < 1e-9, (value, row)
            shown = [
                line for line in lines_of(table)
                if (line[0], line[2], line[4]) == (numbers["alias"], row["judge"], metric)
            ]
            assert len(shown) == 1 and abs(float(shown[0][6]) - value) < 1e-4, (shown, table)
            assert shown[0][5] == "↓", shown
            lines += 1
assert lines == len(rows), (lines, len(rows))
for file in get_sample_results_filenames(files):
    for line in Path(file).read_text(encoding="utf-8").splitlines():
        sample = json.loads(line)
        assert {"doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics"} <= set(sample)
        assert all(metric in sample for metric in sample["metrics"])
