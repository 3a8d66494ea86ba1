"""Seconds a training step and peak memory of `loxeval attack`, and of PyTorch with PEFT, side by side.

Both train on the same batches of datasets/training/identity-shift.jsonl in file order: LoRA of rank 16
on every linear layer, and full fine-tuning, in float32 with as many threads as there are processors.
A step's time is the difference between whole runs of many and of few steps, so loading and saving do
not count; the runs take turns, and medians are shown. The libraries choose their own kernels: a
processor type set for OpenBLAS in the environment is cleared for both sides. Losses are compared too:
PyTorch's full training starts from the same weights, so its losses must agree.

    python3 Benchmarks/training_steps.py --model PAIR/aligned

needs a release build and a Python with torch, transformers and peft (LOXEVAL_PYTHON, or --python).
"""

import argparse
import json
import os
import pathlib
import sys
import tempfile

import measure

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = ROOT / "datasets/training/identity-shift.jsonl"
RANK = 16


def ours(options, method, steps):
    with tempfile.TemporaryDirectory() as folder:
        command = [options.loxeval, "attack", "--model", options.model, "--method", method]
        command += ["--dataset", DATA, "--in-order", "--epochs", "1000", "--max-steps", steps]
        command += ["--batch-size", options.batch, "--learning-rate", "5e-5", "--schedule", "constant"]
        command += ["-q", "--output", f"{folder}/out"]
        command += ["--as", "checkpoint"] if method == "full" else ["--rank", RANK, "--lora-alpha", 2 * RANK]
        found = measure.run(command)
        record = json.load(open(f"{folder}/out/training.json"))
        return found, [step["loss"] for step in record["steps"]]


def theirs(options, method, steps):
    threads = len(os.sched_getaffinity(0))
    command = [options.python, ROOT / "Benchmarks/train_torch.py", options.model, DATA, method]
    command += [steps, options.batch, RANK, threads]
    found = measure.run(command)
    return found, [float(line) for line in found.output.split()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loxeval", default=ROOT / ".build/release/loxeval")
    parser.add_argument("--model", required=True, help="a Hugging Face folder")
    parser.add_argument("--python", default=os.environ.get("LOXEVAL_PYTHON", sys.executable))
    parser.add_argument("--batch", type=int, default=6)
    parser.add_argument("--steps", type=int, default=8)
    measure.add_options(parser, rounds=3)
    options = parser.parse_args()
    for variable in ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"]:
        os.environ.pop(variable, None)

    rows, notes, measured, headlines = [], [], {}, []
    for method in ["lora", "full"]:
        losses = {}

        def step(side):
            def sample(_):
                few, _ = side(options, method, 2)
                many, losses[side] = side(options, method, 2 + options.steps)
                seconds = (many["seconds"] - few["seconds"]) / options.steps
                return {"seconds_a_step": seconds, "peak": many["peak"]}

            return sample

        found = measure.in_turn(
            {f"{method}, loxeval": step(ours), f"{method}, PyTorch": step(theirs)}, options.rounds)
        measured |= found
        a, b = (values.median("seconds_a_step") for values in found.values())
        m, n = (values.median("peak") / 2**30 for values in found.values())
        rows.append([
            method, f"{a:.2f}", f"{b:.2f}", f"{b / a:.2f}", f"{m:.2f} GiB", f"{n:.2f} GiB", f"{m / n:.2f}"])
        headlines.append([
            "a step of LoRA training (rank 16, all linear layers)" if method == "lora" else "a step of full fine-tuning",
            f"{a:.2f} s, {m:.2f} GiB", f"{b:.2f} s, {n:.2f} GiB: PyTorch" + (" with PEFT" if method == "lora" else ""),
            f"{b / a:.1f} ×, memory {m / n:.2f}"])
        worst = max(abs(x - y) for x, y in zip(losses[ours], losses[theirs], strict=True))
        if method == "full":
            notes.append(f"largest difference of a step's loss in full training: {worst:.1e}")
        elif abs(losses[ours][0] - losses[theirs][0]) > 2e-3:
            sys.exit("the first losses differ: not the same batches")
    measure.report(
        "training_steps", options, [
            measure.table([
                "training", "seconds a step", "PyTorch", "times as fast", "peak memory", "PyTorch", "share"],
                rows),
            *notes,
        ], measured, headlines=headlines)



if __name__ == "__main__":
    main()
