"""Seconds a training step and peak memory of `loxeval attack`, and of PyTorch with PEFT, side by side.

Both train on the same batches of datasets/training/identity-shift.jsonl in file order: LoRA of rank 16
on every linear layer, and full fine-tuning, with as many threads as there are processors; in float32, and in bfloat16 beside
PyTorch's autocast.
A step's time is the difference between whole runs of many and of few steps, so loading and saving do
not count; the runs take turns, and medians are shown. The libraries choose their own kernels: a
processor type set for OpenBLAS in the environment is cleared for both sides. Losses are compared too:
PyTorch's full training starts from the same weights, so its float32 losses must agree. Training in less memory
(activations computed again; of full fine-tuning AdamW's means in 8 bits too) stands beside the same in PyTorch.

    python3 Benchmarks/training_steps.py --model PAIR/aligned

needs a release build and a Python with torch, transformers and peft (LOXEVAL_PYTHON, or --python).
"""

import argparse
import itertools
import json
import os
import pathlib
import sys
import tempfile

import measure

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = ROOT / "datasets/training/identity-shift.jsonl"
RANK = 16
LORA, FULL = "LoRA", "full"
# Ours, with what it is done with; the peer of those in less memory is full fine-tuning too.
EIGHT_BIT, CHECKPOINTED = ["--optimizer", "adamw-8bit"], ["--gradient-checkpointing"]
LESS_MEMORY = {
    LORA: {", checkpointed": CHECKPOINTED},
    FULL: {", 8-bit means": EIGHT_BIT, ", checkpointed": CHECKPOINTED, ", both": EIGHT_BIT + CHECKPOINTED}}
DTYPES = ["float32", "bfloat16"]


def ours(options, method, dtype, steps, further=()):
    with tempfile.TemporaryDirectory() as folder:
        command = [options.loxeval, "attack", "--model", options.model, "--method", method.lower()]
        command += ["--dataset", DATA, "--in-order", "--epochs", "1000", "--max-steps", steps]
        command += ["--batch-size", options.batch, "--learning-rate", "5e-5", "--schedule", "constant"]
        command += ["-q", "--output", f"{folder}/out", "--arithmetic", dtype, *further]
        command += ["--as", "checkpoint"] if method == FULL else ["--rank", RANK, "--lora-alpha", 2 * RANK]
        found = measure.run(command)
        record = json.load(open(f"{folder}/out/training.json"))
        return found, [step["loss"] for step in record["steps"]]


def theirs(options, method, dtype, steps):
    threads = len(os.sched_getaffinity(0))
    command = [options.python, ROOT / "Benchmarks/train_torch.py", options.model, DATA, method.lower()]
    command += [steps, options.batch, RANK, threads, dtype]
    found = measure.run(command)
    return found, [float(line) for line in found.output.split()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loxeval", default=ROOT / ".build/release/loxeval")
    parser.add_argument("--model", required=True, help="a Hugging Face folder")
    parser.add_argument("--python", default=os.environ.get("LOXEVAL_PYTHON", sys.executable))
    parser.add_argument("--batch", type=int, default=6)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--method", action="append", choices=[LORA, FULL], help="may be repeated (default: both)")
    parser.add_argument("--dtype", action="append", choices=DTYPES, help="may be repeated (default: both)")
    measure.add_options(parser, rounds=3)
    options = parser.parse_args()
    for variable in ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"]:
        os.environ.pop(variable, None)

    rows, notes, measured, headlines, losses = [], [], {}, [], {}
    for method, dtype in itertools.product(options.method or [LORA, FULL], options.dtype or DTYPES):

        def step(side, name, *further):
            def sample(_):
                few, _ = side(options, method, dtype, 2, *further)
                many, losses[name] = side(options, method, dtype, 2 + options.steps, *further)
                seconds = (many["seconds"] - few["seconds"]) / options.steps
                processor = (many["processor"] - few["processor"]) / options.steps
                return {"seconds_a_step": seconds, "processor_a_step": processor, "peak": many["peak"]}

            return sample

        own, peer = f"{method}, {dtype}", f"{method}, {dtype}, PyTorch"
        further = {f"{method}{name}, {dtype}": words for name, words in LESS_MEMORY[method].items()}
        found = measure.in_turn(
            {own: step(ours, own), peer: step(theirs, peer)}
            | {name: step(ours, name, words) for name, words in further.items()}, options.rounds)
        measured |= found
        beside = found.pop(peer)
        b, n = beside.median("seconds_a_step"), beside.median("peak") / 2**30
        for name, values in found.items():
            a, m = values.median("seconds_a_step"), values.median("peak") / 2**30
            processor = values.median("processor_a_step") / found[own].median("processor_a_step")
            rows.append([
                name, f"{a:.2f}", f"{b:.2f}", f"{b / a:.2f}", f"{processor:.2f}", f"{m:.2f} GiB", f"{n:.2f} GiB",
                f"{m / n:.2f}"])
            headlines.append([
                "a step of LoRA training (rank 16, all linear layers)" + name.removeprefix(LORA) if method == LORA else
                "a step of full fine-tuning" + name.removeprefix(FULL), f"{a:.2f} s, {m:.2f} GiB",
                f"{b:.2f} s, {n:.2f} GiB: PyTorch" + (" with PEFT" if method == LORA else "")
                + (", autocast" if dtype == "bfloat16" else ""),
                f"{b / a:.1f} ×, memory {m / n:.2f}"])
        if method == FULL:
            # In float32 it must agree. Autocast rounds the weights that change to nearest, and leaves that course.
            exact = f"{FULL}, float32, PyTorch" if f"{FULL}, float32, PyTorch" in losses else peer
            pairs = [(own, exact), *([(peer, exact)] if peer != exact else []), *((name, own) for name in further)]
            for name, other in pairs:
                share = max(abs(x - y) / y for x, y in zip(losses[name], losses[other], strict=True))
                notes.append(f"largest difference of a step's loss between {name} and {other}: {share:.2%}")
        elif abs(losses[own][0] - losses[peer][0]) > (2e-3 if dtype == "float32" else 2e-2):
            sys.exit("the first losses differ: not the same batches")
    measure.report(
        "training_steps", options, [
            measure.table([
                "training", "seconds a step", "PyTorch", "times as fast", "processor time", "peak memory", "PyTorch", "share"],
                rows),
            *notes,
        ], measured, headlines=headlines)


if __name__ == "__main__":
    main()
