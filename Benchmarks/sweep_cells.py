"""What ten cells cost in one sweep, beside ten runs of `evaluate` that measure the same.

The cells are α = 0, 0.5, 1, 1.5 and 2, before an attack and under an imported adapter. A sweep decomposes once, starts
one server and chooses adapters by request; the single runs get LoX's adapter ready-made, so that what they
pay is a start for each, and the sweep what it does beside asking. Replies of both are compared.

    python3 Benchmarks/sweep_cells.py --pair smollm2 --attack PEFT_FOLDER

`--pair` has base/ and aligned/; `--attack` is an adapter of the aligned model. Needs a release build.
"""

import argparse
import json
import pathlib
import shutil
import tempfile

import measure

ROOT = pathlib.Path(__file__).resolve().parent.parent
ALPHAS = ["0", "0.5", "1", "1.5", "2"]


def replies(run):
    found = []
    for line in (run / "samples.jsonl").read_text().splitlines():
        sample = json.loads(line)
        if "response" in sample:
            found.append((sample["id"], sample["response"]))
    return sorted(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loxeval", default=ROOT / ".build/release/loxeval")
    parser.add_argument("--pair", type=pathlib.Path, required=True)
    parser.add_argument("--attack", type=pathlib.Path, required=True)
    parser.add_argument("--prompts", type=int, default=75)
    parser.add_argument("--tokens", type=int, default=48)
    measure.add_options(parser, rounds=3)
    options = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(prefix="loxeval-cells-"))
    pair = ["--base", options.pair / "base", "--aligned", options.pair / "aligned", "--targets", "linear", "--rank", "6"]
    asked = ["--dataset", "harmful-requests", "--limit", options.prompts, "--max-tokens", options.tokens, "-q"]
    measure.run([
        options.loxeval, "extrapolate", "-q", *pair, "--alpha", "1", "--as", "adapter", "--output", work / "lox"])

    def sweep(_):
        shutil.rmtree(work / "sweep", ignore_errors=True)
        return measure.run([
            options.loxeval, "sweep", *pair, "--alpha", ",".join(ALPHAS), "--attack", f"import:{options.attack}",
            *asked, "--output", work / "sweep"])

    def single(_):
        total = measure.Sample(seconds=0, user=0, system=0, processor=0, peak=0)
        for alpha in ALPHAS:
            for attack in [], ["--adapter", options.attack]:
                run = work / f"single-{alpha}-{len(attack)}"
                shutil.rmtree(run, ignore_errors=True)
                adapters = ["--adapter", f"{work / 'lox'}:{alpha}"] if alpha != "0" else []
                found = measure.run([
                    options.loxeval, "evaluate", "--model", options.pair / "aligned", *adapters, *attack, *asked,
                    "--output", run])
                for key in total:
                    total[key] = max(total[key], found[key]) if key == "peak" else total[key] + found[key]
        return total

    found = measure.in_turn({"one sweep": sweep, "ten evaluations": single}, options.rounds)
    singles = sorted(reply for run in work.glob("single-*") for reply in replies(run))
    together = sorted(replies(work / "sweep"))
    shared = sum(a == b for a, b in zip(together, singles, strict=True))
    shutil.rmtree(work)
    whole = found["ten evaluations"].median("seconds")
    rows = [
        [
            name, f"{side.median('seconds'):.1f}", side.spread("seconds", ".1f"),
            f"{side.median('seconds') / whole:.2f}", f"{side.median('processor'):.1f}",
            f"{side.largest('peak') / 2**30:.2f}",
        ]
        for name, side in found.items()
    ]
    measure.report(
        "sweep_cells", options, [
            f"ten cells of {options.prompts} prompts, {options.tokens} new tokens; medians of {options.rounds} rounds in turn",
            measure.table(["what", "seconds", "range", "share", "processor seconds", "peak RSS, GiB"], rows),
            f"{shared} of {len(together)} replies are equal",
        ], found, headlines=[[
            "ten cells of a study", f"{found['one sweep'].median('seconds'):.1f} s",
            f"{whole:.1f} s: ten runs of `loxeval evaluate`", f"{whole / found['one sweep'].median('seconds'):.2f} ×"]])


if __name__ == "__main__":
    main()
