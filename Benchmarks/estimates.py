"""How far `--plan --calibrate` is from what a study then takes: three small studies on a pair, each estimated
and then run from start to end.

One is of replies mostly (two models, many prompts), one of trainings mostly (LoRA and full from two models, few
prompts), one of a decomposition at a large rank. The table has seconds of estimate and run, their ratio, and the
same of the peak memory. What the estimate's own measuring took is not in it.

    python3 Benchmarks/estimates.py --pair smollm2 [--rounds 1] [--only replies]

`--pair` has base/ and aligned/. Needs a release build.
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import measure

ROOT = pathlib.Path(__file__).resolve().parent.parent


def studies(rank):
    """By name, the options of each."""
    return {
        "replies": ["--alpha", "1", "--rank", "6", "--attack", "none", "--limit", "150"],
        "trainings": [
            "--alpha", "1", "--rank", "6", "--attack", "identity-shift,train:{full}", "--limit", "8",
        ],
        "decomposition": ["--alpha", "1", "--rank", str(rank), "--attack", "none", "--limit", "4"],
    }


def estimate(command):
    """What the program says, and the seconds that it measured."""
    done = subprocess.run(
        command + ["--plan", "--calibrate", "--format", "json"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{command} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)["estimate"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loxeval", default=ROOT / ".build/release/loxeval")
    parser.add_argument("--pair", type=pathlib.Path, required=True)
    parser.add_argument("--rank", default="300", help="of the large decomposition")
    parser.add_argument("--only", help="one study")
    parser.add_argument("--arithmetic", default="float32")
    measure.add_options(parser, rounds=1)
    options = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(prefix="loxeval-estimates-"))
    full = work / "full.json"
    # The dialogues of the bundled preset; a full fine-tuning beside its LoRA.
    dataset = ROOT / "datasets/training/identity-shift.jsonl"
    full.write_text(json.dumps({
        "dataset": str(dataset), "method": "full", "epochs": 2, "learning_rate": 2e-5, "batch_size": 8,
    }))

    def side(name, arguments):
        def run(number):
            output = work / f"{name}-{number}"
            command = [
                str(options.loxeval), "sweep", "--quiet", "--base", str(options.pair / "base"), "--aligned",
                str(options.pair / "aligned"), "--arithmetic", options.arithmetic, "--output", str(output),
                *(text.format(full=full) for text in arguments),
            ]
            found = estimate(command)
            taken = measure.run(command)
            shutil.rmtree(output)
            sample = measure.Sample(
                estimated=found["seconds"], least=found["least"], most=found["most"], taken=taken["seconds"],
                ratio=found["seconds"] / taken["seconds"], calibration=found["calibration_seconds"],
                memory=found["memory_bytes"], peak=taken["peak"],
                memory_ratio=found["memory_bytes"] / taken["peak"])
            for part in found["parts"]:
                print(f"  {name}: {part['kind']} {part['seconds']:.1f} s: {part['text']}", file=sys.stderr)
            return sample
        return run

    chosen = studies(options.rank)
    if options.only:
        chosen = {options.only: chosen[options.only]}
    measured = measure.in_turn(
        {name: side(name, arguments) for name, arguments in chosen.items()}, options.rounds)
    rows = []
    for name, found in measured.items():
        rows.append([
            name,
            f"{found.median('estimated'):.1f} s ({found.median('least'):.0f} – {found.median('most'):.0f})",
            f"{found.median('taken'):.1f} s", f"{found.median('ratio'):.2f}",
            f"{found.median('calibration'):.1f} s",
            f"{found.median('memory') / 2**30:.2f} GiB", f"{found.median('peak') / 2**30:.2f} GiB",
            f"{found.median('memory_ratio'):.2f}",
        ])
    measure.report(
        "estimates", options, [
            f"{options.pair.name}, {options.arithmetic}, medians of {options.rounds} rounds; estimate and memory are "
            "what --plan --calibrate says",
            measure.table(
                ["study", "estimate", "took", "ratio", "measuring", "memory", "peak", "ratio of memory"], rows),
        ], measured)
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
