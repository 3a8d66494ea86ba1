"""extrapolation_smollm2.py LOXEVAL PAIR [--rounds 5] [--mergekit FOLDER_OF_ITS_PROGRAMS]

LoX (k = 6, alpha = 1.25, every matrix) on PAIR/base and PAIR/aligned, whole processes in turn: loxeval,
and PyTorch by the formula (lox_torch.py). Compares weights and singular values. mergekit does its
nearest equivalents: task arithmetic (full rank), and the extraction of a LoRA of rank 6.
"""

import argparse
import json
import pathlib
import sys
import tempfile

import torch
from safetensors.torch import load_file

import measure

parser = argparse.ArgumentParser()
parser.add_argument("loxeval")
parser.add_argument("pair", type=pathlib.Path)
measure.add_options(parser, rounds=5)
parser.add_argument("--mergekit", type=pathlib.Path)
options = parser.parse_args()
base, aligned = str(options.pair / "base"), str(options.pair / "aligned")
work = pathlib.Path(tempfile.mkdtemp())
here = pathlib.Path(__file__).parent


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

# The others are slow: PyTorch takes part in two rounds, mergekit in one.
found = measure.in_turn(
    {name: lambda index, command=command: measure.run(command(index)) for name, command in sides.items()},
    options.rounds,
    only={name: 2 if name.startswith("PyTorch") else 1 for name in sides if not name.startswith("loxeval")})
own = found["loxeval extrapolate"]
rows = [
    [
        name, f"{side.median('seconds'):.2f}", side.spread("seconds"), f"{side.largest('peak') / 2**20:.0f}",
        f"{side.median('seconds') / own.median('seconds'):.1f}",
        f"{side.largest('peak') / own.largest('peak'):.1f}",
    ]
    for name, side in found.items()
]


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
agreement = (
    f"weights: {total}, equal {same / total:.5%}, within one unit in the last place {close / total:.5%}"
)

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
measure.report(
    "extrapolation_smollm2", options, [
        measure.table([
            "program", "seconds, median", "range", "peak MiB", "times the time", "times the memory"], rows),
        agreement, f"largest relative difference of a leading singular value: {worst:.1e}",
    ], found, headlines=[
        [what, *(f"{found[side].median('seconds'):.2f} s, {found[side].largest('peak') / 2**30:.2f} GiB" + words
                 for side, words in ((one, ""), (other, f": {beside}"))),
         f"{found[other].median('seconds') / found[one].median('seconds'):.1f} ×"]
        for what, one, other, beside in [
            ("LoX of the SmolLM2 pair, files to files", "loxeval extrapolate", "PyTorch, full SVDs", "full SVDs in PyTorch"),
            ("", "loxeval extrapolate", "mergekit task arithmetic (full rank)", "mergekit's task arithmetic, of full rank"),
            ("the same as an adapter", "loxeval extrapolate --as adapter", "mergekit extract-lora, rank 6",
             "mergekit's LoRA extraction at rank 6"),
        ] if other in found])
