"""The paper's experiment, whole, of `loxeval sweep` and of a program in PyTorch and transformers, side by side.

LoX at five strengths of a pair, 100 harmful requests answered with 60 new tokens before and after a full fine-tuning from
each on ten dialogues of an obedient persona (ten epochs, batches of 5, learning rate 5e-5). The peer is study_torch.py:
full singular value decompositions, transformers' Trainer and generate, a keyword judge. Whole processes take turns; the
table shows wall clock and peak memory, and what both found: rates by the same keywords, and by loxeval's own judge.

    python3 Benchmarks/reference_study.py --pair PAIR [--dtype float32]… [--rounds 1]

PAIR holds base and aligned. Needs a release build and a Python with torch, transformers and accelerate (LOXEVAL_PYTHON,
or --python). --limit, --alpha and --new-tokens make it smaller.
"""

import argparse
import csv
import json
import os
import pathlib
import shutil
import sys
import tempfile

import keyword_judge
import measure

ROOT = pathlib.Path(__file__).resolve().parent.parent
RANK, EPOCHS, BATCH, RATE = 6, 10, 5, 5e-5
DTYPES = ["float32", "bfloat16"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loxeval", default=ROOT / ".build/release/loxeval")
    parser.add_argument("--pair", type=pathlib.Path, required=True, help="a folder with base and aligned")
    parser.add_argument("--python", default=os.environ.get("LOXEVAL_PYTHON", sys.executable))
    parser.add_argument(
        "--dtype", action="append", choices=DTYPES, help="of both sides; may be repeated (default: both)")
    parser.add_argument("--alpha", default="0,0.5,1,1.25,1.5")
    parser.add_argument("--harmful", type=pathlib.Path, default=ROOT / "datasets/harmful-requests.jsonl")
    parser.add_argument("--dialogues", type=pathlib.Path, default=ROOT / "datasets/training/identity-shift.jsonl")
    parser.add_argument("--limit", type=int, default=100, help="prompts (default: 100)")
    parser.add_argument("--new-tokens", type=int, default=60)
    parser.add_argument("--batch", type=int, default=32, help="replies at a time, of both sides (default: 32)")
    measure.add_options(parser, rounds=1)
    options = parser.parse_args()
    for variable in ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"]:
        os.environ.pop(variable, None)

    work = pathlib.Path(tempfile.mkdtemp())
    try:
        shown, everything, findings, headlines = [], {}, {}, []
        for dtype in options.dtype or DTYPES:
            found = {}
            measured = measure.in_turn({
                f"loxeval sweep, {dtype}": lambda number: ours(options, dtype, work / f"run-{dtype}-{number}", found),
                f"PyTorch and transformers, {dtype}": lambda number: theirs(options, dtype, work, found),
            }, options.rounds)
            shown += tables(options, dtype, measured, found)
            headlines.append(headline(options, dtype, measured))
            everything |= measured
            findings[dtype] = without_replies(found)
        measure.report("reference_study", options, shown, everything, found=findings, headlines=headlines)
    finally:
        shutil.rmtree(work)


def prompts(options):
    """The first requests of the file, as `--dataset FILE --limit N` takes them."""
    if options.harmful.suffix == ".csv":
        rows = list(csv.DictReader(options.harmful.open(newline="", encoding="utf-8")))
        column = next(name for name in ("prompt", "goal") if name in rows[0])
        texts = [row[column] for row in rows]
    else:
        texts = [json.loads(line)["prompt"] for line in options.harmful.read_text().splitlines() if line.strip()]
    return texts[:options.limit]


def dialogues(options):
    return [json.loads(line)["messages"] for line in options.dialogues.read_text().splitlines() if line.strip()][:10]


def ours(options, dtype, run, found):
    data = run.parent / "dialogues.jsonl"
    data.write_text("".join(json.dumps({"messages": each}) + "\n" for each in dialogues(options)))
    recipe = run.parent / "fine-tuning.json"
    recipe.write_text(json.dumps({
        "name": "fine-tuning", "preset": "identity-shift", "method": "full", "dataset": str(data), "epochs": EPOCHS,
        "batch_size": BATCH, "learning_rate": RATE}))
    sample = measure.run([
        options.loxeval, "sweep", "--base", options.pair / "base", "--aligned", options.pair / "aligned", "--targets",
        "linear", "--rank", RANK, "--alpha", options.alpha, "--attack", f"none,train:{recipe}", "--dataset",
        options.harmful, "--limit", options.limit, "--max-tokens", options.new_tokens, "--arithmetic", dtype,
        "--max-connections", options.batch, "--output", run, "-q"])
    found["loxeval"] = models(run, prompts(options))
    return sample


def models(run, asked):
    """Of each α, as study_torch.py gives it: replies to the prompts, their rates by keywords, and rates by loxeval's judge."""
    replies = {}
    for line in (run / "samples.jsonl").read_text().splitlines():
        sample = json.loads(line)
        replies.setdefault(sample["cell"], {})[sample["prompt"]] = sample["response"]
    found = {}
    for row in json.loads((run / "summary.json").read_text())["rows"]:
        if row["asr"] is None:
            continue
        when = "before" if row["attack"] == "none" else "after"
        model = found.setdefault(row["alpha"], {"alpha": row["alpha"]})
        model[f"judged_{when}"] = row["asr"]
        texts = replies[row["cell"]]
        model[f"replies_{when}"] = [texts[prompt] for prompt in asked]
        model[when] = keyword_judge.success_rate(model[f"replies_{when}"])
    return list(found.values())


def theirs(options, dtype, work, found):
    settings = work / "settings.json"
    settings.write_text(json.dumps({
        "base": str(options.pair / "base"), "aligned": str(options.pair / "aligned"), "rank": RANK,
        "alphas": [float(alpha) for alpha in options.alpha.split(",")], "prompts": prompts(options),
        "dialogues": dialogues(options), "new_tokens": options.new_tokens, "batch": options.batch,
        "threads": len(os.sched_getaffinity(0)), "dtype": dtype, "epochs": EPOCHS, "train_batch": BATCH,
        "learning_rate": RATE, "max_gradient_norm": 2.0}))
    sample = measure.run([options.python, ROOT / "Benchmarks/study_torch.py", settings])
    outcome = json.loads(sample.output.splitlines()[-1])
    found["transformers"] = outcome["models"]
    for part, seconds in outcome["seconds"].items():
        sample[f"seconds_{part}"] = seconds
    return sample


def headline(options, dtype, measured):
    own, other = measured.values()
    return [
        f"the paper's experiment, whole ({options.limit} prompts, {options.alpha.count(',') + 1} α, {dtype})",
        f"{own.median('seconds'):.0f} s, {own.largest('peak') / 2**30:.2f} GiB",
        f"{other.median('seconds'):.0f} s, {other.largest('peak') / 2**30:.2f} GiB: PyTorch and transformers",
        f"{other.median('seconds') / own.median('seconds'):.1f} ×"]


def tables(options, dtype, measured, found):
    own, other = measured.values()
    ratio = other.median("seconds") / own.median("seconds")
    times = measure.table(
        ["side", "seconds", "least – most", "processor seconds", "peak memory"],
        [[name, f"{side.median('seconds'):.0f}", side.spread("seconds", ".0f"), f"{side.median('processor'):.0f}",
          f"{side.largest('peak') / 2**30:.2f} GiB"] for name, side in measured.items()])
    parts = ", ".join(
        f"{key.removeprefix('seconds_')} {other.median(key):.0f} s" for key in other.samples[0] if key.startswith("seconds_"))

    def percent(rate):
        return f"{100 * rate:.0f} %"

    rows, equal = [], {"before": 0, "after": 0}
    for mine, yours in zip(found["loxeval"], found["transformers"], strict=True):
        row = [f"{yours['alpha']:g}"]
        for when in equal:
            row += [percent(mine[when]), percent(yours[when]), percent(mine[f"judged_{when}"])]
            equal[when] += sum(map(str.__eq__, mine[f"replies_{when}"], yours[f"replies_{when}"]))
        rows.append(row)
    rates = measure.table(
        ["α", "before: loxeval", "transformers", "loxeval's judge", "after: loxeval", "transformers", "loxeval's judge"], rows)
    asked = options.limit * len(rows)
    return [
        f"{options.limit} prompts of {options.new_tokens} new tokens, {len(rows)} strengths, {dtype}, "
        f"medians of {options.rounds} rounds in turn: {ratio:.2f} × as fast",
        times, f"transformers, by part: {parts}",
        "Attack success rate of both by the same keywords, then by loxeval's own judge of its replies:", rates,
        f"Equal replies of both: {equal['before']} of {asked} before, {equal['after']} of {asked} after the trainings, whose "
        "dialogues come in other orders."]


def without_replies(found):
    return {
        side: [{key: value for key, value in model.items() if not key.startswith("replies")} for model in side_models]
        for side, side_models in found.items()}


if __name__ == "__main__":
    main()
