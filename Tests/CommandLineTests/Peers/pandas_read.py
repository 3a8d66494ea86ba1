"""Reads the tidy table with pandas in one line, and compares its means with summary.csv."""

import sys

import pandas as pd

table = pd.read_csv(sys.argv[1])
summary = pd.read_csv(f"{sys.argv[2]}/summary.csv")
journal = pd.read_json(f"{sys.argv[2]}/samples.jsonl", lines=True)
assert len(table) == len(journal)
assert table["alpha"].dtype.kind in "if" and table["sample"].dtype.kind == "i", table.dtypes
rates = table.assign(hit=table["verdict_refusal"] == "complied").groupby(
    ["defence", "alpha", "attack", "dataset"])["hit"].mean()
first = summary[summary["judge"] == "refusal"].set_index(["defence", "alpha", "attack", "dataset"])
assert len(rates) == len(first)
for key, rate in rates.items():
    assert abs(rate - first.loc[key, "asr"]) < 1e-9, key
merged = table.merge(journal, on=["cell", "id", "sample"], suffixes=("", "_kept"))
assert len(merged) == len(table)
assert (merged["response"].fillna("") == merged["response_kept"]).all()
assert (merged["verdict"] == merged["verdict_kept"]).all()
