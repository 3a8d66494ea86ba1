"""extrapolation_large.py LOXEVAL PAIR [--rounds 3]: extrapolation of a pair larger than memory, against copying.

PAIR is what make_llama_pair.py made. In turn, every round: reading both folders alone; reading both and
writing as many bytes as one; LoX as an adapter; the extrapolated checkpoint; both again with the decomposition that
an earlier command kept; the checkpoint by ExPO and by random directions of LoX's size; Safe LoRA's repair of an
adapter (LoX's own, of rank 6 on every matrix) as an adapter. What was written is removed after each, and page caches are dropped before each (which needs root). Arithmetic is what the
processors spend in the program beside what they spend for it in the system; the rest is waiting.
"""

import argparse
import os
import pathlib
import shutil
import sys
import tempfile

import measure

parser = argparse.ArgumentParser()
parser.add_argument("loxeval")
parser.add_argument("pair", type=pathlib.Path)
parser.add_argument("--lox-alone", action="store_true", help="leave out the other methods")
measure.add_options(parser, rounds=3)
options = parser.parse_args()
pair, output = options.pair, options.pair / "output"
copy = (
    "import os, sys\n"
    "buffer = bytearray(8 << 20)\n"
    "def files(folder): return sorted(p for p in os.listdir(folder) if p.endswith('.safetensors'))\n"
    "base, aligned, output = sys.argv[1], sys.argv[2], sys.argv[3]\n"
    "for folder in (base, aligned):\n"
    "  for name in files(folder):\n"
    "    source = open(f'{folder}/{name}', 'rb', buffering=0)\n"
    "    os.posix_fadvise(source.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)\n"
    "    target = open(f'{output}/{name}', 'wb', buffering=0) if folder == aligned and output else None\n"
    "    while count := source.readinto(buffer):\n"
    "      if target: target.write(memoryview(buffer)[:count])\n"
    "    if target: os.fsync(target.fileno())\n"
)
pair_options = ["--base", pair / "base", "--aligned", pair / "aligned", "-q"]
models = [*pair_options, "--output", output]
adapter = pair / "adapter"
if not options.lox_alone and not adapter.exists():
    measure.run(
        [options.loxeval, "extrapolate", *pair_options, "--as", "adapter", "--output", adapter])
sides = {
    "read both": [sys.executable, "-c", copy, pair / "base", pair / "aligned", ""],
    "read both, write one": [sys.executable, "-c", copy, pair / "base", pair / "aligned", output],
    "extrapolate --as adapter": [options.loxeval, "extrapolate", *models, "--as", "adapter"],
    "extrapolate": [options.loxeval, "extrapolate", *models],
}
# Kept by another command than those that read it.
cache = tempfile.TemporaryDirectory()
with_cache = ["env", f"LOXEVAL_CACHE={cache.name}"]
measure.run([*with_cache, options.loxeval, "spectrum", *pair_options, "--rank", "6"])
sides |= {f"{name}, kept": with_cache + sides[name] for name in ("extrapolate --as adapter", "extrapolate")}
others = {
    "extrapolate --defence expo": [options.loxeval, "extrapolate", *models, "--defence", "expo"],
    "extrapolate --defence random:seed=1": [
        options.loxeval, "extrapolate", *models, "--defence", "random:seed=1"],
    "repair --method safe-lora --as adapter": [
        options.loxeval, "repair", *models, "--tuned", adapter, "--method", "safe-lora", "--as",
        "adapter"],
}
if not options.lox_alone:
    sides |= others


def run(name, command):
    shutil.rmtree(output, ignore_errors=True)
    if name == "read both, write one":
        output.mkdir()
    os.sync()
    pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")
    return measure.run(command)


found = measure.in_turn(
    {name: lambda _, name=name: run(name, sides[name]) for name in sides}, options.rounds)
shutil.rmtree(output, ignore_errors=True)
size = sum(f.stat().st_size for f in (pair / "aligned").glob("*.safetensors"))
copying = found["read both, write one"].median("seconds")


def peak(name):
    return f", {found[name].largest('peak') / 2**30:.2f} GiB"


rows = [
    [
        name, f"{side.median('seconds'):.1f}", side.spread("seconds", ".1f"),
        f"{side.median('seconds') / copying:.2f}", f"{side.median('user'):.1f}",
        f"{side.median('system'):.1f}", f"{side.largest('peak') / 2**30:.2f}",
    ]
    for name, side in found.items()
]
measure.report(
    "extrapolation_large", options, [
        f"{pair.name}: {size / 1e9:.1f} GB a folder, {options.rounds} rounds, medians",
        measure.table(
            ["program", "seconds", "range", "times copying", "user", "system", "peak RSS, GiB"], rows),
    ], found, folder_bytes=size, headlines=[
        [f"{what} of a pair of {size / 1e9:.1f} GB each", *(
            f"{found[name].median('seconds'):.0f} s" + words for name, words in ((one, peak(one)), (other, f": {beside}"))),
         f"{found[one].median('seconds') / found[other].median('seconds'):.2f} × {kind}"]
        for what, one, other, beside, kind in [
            ("LoX", "extrapolate", "read both, write one", "reading both, writing one", "copying"),
            ("that as an adapter,", "extrapolate --as adapter", "read both", "reading both", "reading"),
            ("LoX with a kept decomposition,", "extrapolate, kept", "read both, write one", "reading both, writing one",
             "copying"),
        ]])
