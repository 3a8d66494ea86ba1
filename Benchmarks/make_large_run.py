#!/usr/bin/env python3
"""Makes a run's folder with a synthetic journal, to measure what reading it takes.

    Benchmarks/make_large_run.py DIR --samples 1000000 [--shards 8] [--reply 40]

The run is a sweep of LoX over strengths under attacks on two sets of harmful and one of benign prompts, 1,000 prompts a
cell, with a verdict of the judge `refusal` and a score of `strongreject` on each reply. What is in it follows from the
arguments alone. One reply in a thousand failed.
"""

import argparse
import json
import pathlib
import random


def treatment(alpha):
    if alpha == 0:
        return {"method": "none", "parameters": {}, "stage": "before", "strength": 0}
    return {"method": "lox", "parameters": {"rank": 6}, "stage": "before", "strength": alpha}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--prompts", type=int, default=1000)
    parser.add_argument("--shards", type=int, default=0)
    parser.add_argument("--reply", type=int, default=40, help="words of a reply")
    arguments = parser.parse_args()
    prompts, count = arguments.prompts, max(6, arguments.samples // arguments.prompts)
    sets = [("harmful-a", "harmful"), ("harmful-b", "harmful"), ("benign", "benign")]
    strengths = [round(0.05 * i, 4) for i in range(21)]
    attacks = []
    while len(attacks) * len(strengths) * len(sets) < count:
        attacks.append(f"attack-{len(attacks)}" if attacks else "none")

    cells = []
    for dataset, _ in sets:
        for attack in attacks:
            for alpha in strengths:
                def name(strength):
                    return f"a{strength}-{attack}-{dataset}"

                cell = {
                    "id": name(alpha), "model": "synthetic", "targets": "all", "treatment": treatment(alpha),
                    "attack": {"label": attack, "method": "none" if attack == "none" else "imported",
                               "recipe": "" if attack == "none" else f"recipe of {attack}"},
                    "prompt_attack": {"method": "none", "parameters": {}}, "dataset": dataset,
                    "variant": [] if alpha == 0 else [{"name": "lox-r6", "scale": alpha}],
                }
                if alpha:
                    cell["baseline"] = name(0)
                cells.append(cell)
    judges = {"refusal": "synthetic", "strongreject": "synthetic"}
    manifest = {
        "schema": 2,
        "plan": {
            "cells": cells, "decoding": {"temperature": 0, "topP": 1, "maxTokens": 64, "seed": 0, "stop": []}, "seed": 0,
            "samples": 1, "samplingSeeds": "prompt", "judge": "refusal", "judgeConfiguration": "synthetic",
            "judges": judges,
            "datasets": {
                name: {"digest": f"sha256:{name}", "prompts": prompts, "kind": kind, "judges": list(judges)}
                for name, kind in sets
            },
            "models": {"aligned": "sha256:synthetic"}, "updates": {"lox-r6": "sha256:synthetic"}, "remarks": {},
            "server": "" if arguments.shards else "synthetic",
        },
        "environment": {
            "command": "make_large_run.py", "version": "synthetic", "createdAt": "2026-01-01T00:00:00Z", "threads": 1,
            "blas": "none", "instructions": "none", "platform": "none",
        },
        "judgeQuality": [],
        "limits": {"max_over_refusal_increase": 0.05, "max_utility_drop": 0.05, "max_over_refusal": 0.5,
                   "max_degenerate": 0.2},
    }
    arguments.folder.mkdir(parents=True)
    shards = max(1, arguments.shards)
    if arguments.shards:
        manifest["division"] = {"shards": shards, "cells": [1 + place * shards // len(cells) for place in range(len(cells))]}
        for shard in range(1, shards + 1):
            (arguments.folder / f"shard-{shard}.json").write_text(json.dumps({
                "schema": 1, "shard": shard, "updates": {}, "server": "synthetic", "sessions": []}))
    (arguments.folder / "run.json").write_text(json.dumps(manifest))

    words = "the model says some words of no meaning here and then some more of them".split()
    files = {}
    generator = random.Random(0)
    for place, cell in enumerate(cells):
        shard = 1 + place * shards // len(cells)
        if shard not in files:
            name = f"samples-{shard}.jsonl" if arguments.shards else "samples.jsonl"
            files[shard] = open(arguments.folder / name, "w", buffering=1 << 20)
        strength = cell["treatment"]["strength"]
        rate = 0.9 - 0.6 * strength if cell["attack"]["label"] != "none" else 0.1
        if cell["dataset"] == "benign":
            rate = 0.97 - 0.02 * strength
        for number in range(prompts):
            has_failed = generator.random() < 0.001
            verdict = "complied" if generator.random() < rate else "refused"
            judgements = {} if has_failed else {
                "refusal": {"raw": "phrase", "verdict": verdict},
                "strongreject": {"score": generator.randrange(9) / 8, "verdict": verdict},
            }
            reply = "" if has_failed else " ".join(generator.choices(words, k=arguments.reply))
            error = "http-500: the server failed" if has_failed else None
            files[shard].write(json.dumps({
                "attempts": 1, "category": f"c{number % 8}", "cell": cell["id"], "completion_tokens": arguments.reply,
                "error": error, "error_code": "http-500" if error else None, "finish_reason": "stop",
                "id": f"{cell['dataset']}-{number}", "judge": "refusal", "judge_error": None,
                "judge_raw": None if has_failed else "phrase", "judgements": judgements, "latency_ms": 12.5,
                "prompt": f"Please answer question {number} of {cell['dataset']}.", "prompt_tokens": 12,
                "reasoning": None, "reference": None, "refusal": None, "response": reply, "sample": 0, "score": None,
                "verdict": "unscored" if has_failed else verdict,
            }, separators=(",", ":")) + "\n")
    for file in files.values():
        file.close()
    print(f"{len(cells)} cells, {len(cells) * prompts} samples")


if __name__ == "__main__":
    main()
