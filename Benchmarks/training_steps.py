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
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = ROOT / "datasets/training/identity-shift.jsonl"
RANK = 16


def run(command):
    """Runs to the end; returns seconds, peak GiB and what was printed."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        begin = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=errors, text=True)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        output.seek(0)
        errors.seek(0)
        if status != 0:
            sys.exit(f"{command} failed:\n{errors.read()[-2000:]}")
        return seconds, usage.ru_maxrss / 2**20, output.read()


def ours(options, method, steps):
    with tempfile.TemporaryDirectory() as folder:
        command = [options.loxeval, "attack", "--model", options.model, "--method", method]
        command += ["--dataset", DATA, "--in-order", "--epochs", "1000", "--max-steps", steps]
        command += ["--batch-size", options.batch, "--learning-rate", "5e-5", "--schedule", "constant"]
        command += ["-q", "--output", f"{folder}/out"]
        command += ["--as", "checkpoint"] if method == "full" else ["--rank", RANK, "--lora-alpha", 2 * RANK]
        seconds, memory, _ = run([str(part) for part in command])
        record = json.load(open(f"{folder}/out/training.json"))
        return seconds, memory, [step["loss"] for step in record["steps"]]


def theirs(options, method, steps):
    threads = len(os.sched_getaffinity(0))
    command = [options.python, ROOT / "Benchmarks/train_torch.py", options.model, DATA, method]
    command += [steps, options.batch, RANK, threads]
    seconds, memory, text = run([str(part) for part in command])
    return seconds, memory, [float(line) for line in text.split()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loxeval", default=ROOT / ".build/release/loxeval")
    parser.add_argument("--model", required=True, help="a Hugging Face folder")
    parser.add_argument("--python", default=os.environ.get("LOXEVAL_PYTHON", sys.executable))
    parser.add_argument("--batch", type=int, default=6)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    for variable in ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"]:
        os.environ.pop(variable, None)

    print("| training | seconds a step | PyTorch | times as fast | peak memory | PyTorch | share |")
    print("|---|---|---|---|---|---|---|")
    for method in ["lora", "full"]:
        times = {ours: [], theirs: []}
        memory = {ours: [], theirs: []}
        losses = {}
        for _ in range(options.rounds):
            for side in (ours, theirs):
                few, _, _ = side(options, method, 2)
                many, peak, losses[side] = side(options, method, 2 + options.steps)
                times[side].append((many - few) / options.steps)
                memory[side].append(peak)
        a, b = (statistics.median(times[side]) for side in (ours, theirs))
        m, n = (statistics.median(memory[side]) for side in (ours, theirs))
        print(
            f"| {method} | {a:.2f} | {b:.2f} | {b / a:.2f} | {m:.2f} GiB | {n:.2f} GiB | {m / n:.2f} |",
            flush=True,
        )
        worst = max(abs(x - y) for x, y in zip(losses[ours], losses[theirs]))
        if method == "full":
            print(f"\nlargest difference of a step's loss in full training: {worst:.1e}")
        elif abs(losses[ours][0] - losses[theirs][0]) > 2e-3:
            sys.exit("the first losses differ: not the same batches")


if __name__ == "__main__":
    main()
