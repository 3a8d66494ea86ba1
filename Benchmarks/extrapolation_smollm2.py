"""extrapolation_smollm2.py LOXEVAL PAIR [--rounds 5] [--mergekit FOLDER_OF_ITS_PROGRAMS]

LoX (k = 6, alpha = 1.25, every matrix) on PAIR/base and PAIR/aligned, whole processes in turn: loxeval,
and PyTorch by the formula (lox_torch.py). Compares weights and singular values. mergekit does its
nearest equivalents: task arithmetic (full rank), and the extraction of a LoRA of rank 6.
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

import torch
from safetensors.torch import load_file

parser = argparse.ArgumentParser()
parser.add_argument("loxeval")
parser.add_argument("pair", type=pathlib.Path)
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--mergekit", type=pathlib.Path)
options = parser.parse_args()
base, aligned = str(options.pair / "base"), str(options.pair / "aligned")
work = pathlib.Path(tempfile.mkdtemp())
here = pathlib.Path(__file__).parent


def run(command):
    """Seconds, and peak memory in MiB, of a command that must succeed."""
    begin = time.monotonic()
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{command}: {errors.decode()[-2000:]}")
    return time.monotonic() - begin, usage.ru_maxrss / 1024


models = ["--base", base, "--aligned", aligned, "-q"]
sides = {
    "loxeval extrapolate": lambda i: [options.loxeval, "extrapolate", *models, "--output", work / f"lox{i}"],
    "loxeval extrapolate --as adapter": lambda i: [
        options.loxeval, "extrapolate", *models, "--as", "adapter", "--output", work / f"adapter{i}"],
    "PyTorch, full SVDs": lambda i: [
        sys.executable, here / "lox_torch.py", base, aligned, work / "torch.safetensors", work / "torch.json"],
}
if options.mergekit:
    recipe = work / "arithmetic.yaml"
    recipe.write_text(
        f"merge_method: task_arithmetic\nbase_model: {base}\nmodels:\n  - model: {aligned}\n"
        "    parameters: {weight: 2.25}\ndtype: bfloat16\n")
    sides["mergekit task arithmetic (full rank)"] = lambda i: [
        options.mergekit / "mergekit-yaml", recipe, work / f"merged{i}"]
    sides["mergekit extract-lora, rank 6"] = lambda i: [
        options.mergekit / "mergekit-extract-lora", "--model", aligned, "--base-model", base, "--out-path",
        work / f"extracted{i}", "--max-rank", "6", "--embed-lora"]

found = {name: [] for name in sides}
for index in range(options.rounds):
    for name, command in sides.items():
        if name.startswith("loxeval") or index == 0 or (index == 1 and name.startswith("PyTorch")):
            found[name].append(run(command(index)))
own = statistics.median(seconds for seconds, _ in found["loxeval extrapolate"])
own_memory = max(memory for _, memory in found["loxeval extrapolate"])
print("| program | seconds, median | range | peak MiB | times the time | times the memory |")
print("|---|---|---|---|---|---|")
for name, results in found.items():
    seconds, memory = [s for s, _ in results], max(m for _, m in results)
    middle = statistics.median(seconds)
    print(
        f"| {name} | {middle:.2f} | {min(seconds):.2f} – {max(seconds):.2f} | {memory:.0f} "
        f"| {middle / own:.1f} | {memory / own_memory:.1f} |")


def order(values):
    """bfloat16 values as integers that count units in the last place."""
    bits = values.view(torch.int16).int()
    return torch.where(bits < 0, -(bits & 0x7FFF), bits)


ours, theirs = load_file(work / "lox0/model.safetensors"), load_file(work / "torch.safetensors")
total = same = close = 0
for name, values in theirs.items():
    distance = (order(values) - order(ours[name])).abs()
    total += distance.numel()
    same += (distance == 0).sum().item()
    close += (distance <= 1).sum().item()
print(f"weights: {total}, equal {same / total:.5%}, within one unit in the last place {close / total:.5%}")

adapter = load_file(work / "adapter0/adapter_model.safetensors")
worst = 0.0
for name, expected in json.load(open(work / "torch.json")).items():
    module = "base_model.model." + name.removesuffix(".weight")
    if module + ".lora_embedding_A" in adapter:
        left, right = adapter[module + ".lora_embedding_A"].T, adapter[module + ".lora_embedding_B"].T
    else:
        left, right = adapter[module + ".lora_B.weight"], adapter[module + ".lora_A.weight"]
    values = left.double().norm(dim=0) * right.double().norm(dim=1)
    expected = torch.tensor(expected, dtype=torch.float64)
    worst = max(worst, ((values - expected).abs() / expected).max().item())
print(f"largest relative difference of a leading singular value: {worst:.1e}")
