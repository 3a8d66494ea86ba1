"""extrapolation_large.py LOXEVAL PAIR [--rounds 3]: extrapolation of a pair larger than memory, against copying.

PAIR is what make_llama_pair.py made. In turn, every round: reading both folders alone; reading both and
writing as many bytes as one; the update as an adapter; the extrapolated checkpoint. What was written is
removed after each, and page caches are dropped before each (which needs root). Arithmetic is what the
processors spend in the program beside what they spend for it in the system; the rest is waiting.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("loxeval")
parser.add_argument("pair", type=pathlib.Path)
parser.add_argument("--rounds", type=int, default=3)
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
models = ["--base", pair / "base", "--aligned", pair / "aligned", "-q", "--output", output]
sides = {
    "read both": [sys.executable, "-c", copy, pair / "base", pair / "aligned", ""],
    "read both, write one": [sys.executable, "-c", copy, pair / "base", pair / "aligned", output],
    "extrapolate --as adapter": [options.loxeval, "extrapolate", *models, "--as", "adapter"],
    "extrapolate": [options.loxeval, "extrapolate", *models],
}


def run(name, command):
    """Seconds in all, in the program and in the system, and peak GiB."""
    shutil.rmtree(output, ignore_errors=True)
    if name == "read both, write one":
        output.mkdir()
    os.sync()
    pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")
    begin = time.monotonic()
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{name} failed")
    return time.monotonic() - begin, usage.ru_utime, usage.ru_stime, usage.ru_maxrss / (1 << 20)


found = {name: [] for name in sides}
for _ in range(options.rounds):
    for name, command in sides.items():
        found[name].append(run(name, command))
shutil.rmtree(output, ignore_errors=True)
size = sum(f.stat().st_size for f in (pair / "aligned").glob("*.safetensors"))
print(f"{pair.name}: {size / 1e9:.1f} GB a folder, {options.rounds} rounds, medians\n")
print("| program | seconds | range | times copying | user | system | peak RSS, GiB |")
print("|---|---|---|---|---|---|---|")
middle = {name: [statistics.median(values) for values in zip(*runs)] for name, runs in found.items()}
for name, (seconds, user, system, _) in middle.items():
    times = [run[0] for run in found[name]]
    print(
        f"| {name} | {seconds:.1f} | {min(times):.1f} – {max(times):.1f} "
        f"| {seconds / middle['read both, write one'][0]:.2f} | {user:.1f} | {system:.1f} "
        f"| {max(run[3] for run in found[name]):.2f} |")
