"""extrapolation_large.py LOXEVAL PAIR: extrapolation of a pair larger than memory, against copying.

PAIR is what make_llama_pair.py made. In turn: reading both folders and writing as many bytes as one; the
extrapolated checkpoint; the update as an adapter; reading both folders alone. What was written is removed
after each. Page caches are dropped before each where that is allowed.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import time

loxeval, pair = sys.argv[1], pathlib.Path(sys.argv[2])
output = pair / "output"
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
models = ["--base", pair / "base", "--aligned", pair / "aligned", "-q"]
sides = {
    "read both": [sys.executable, "-c", copy, pair / "base", pair / "aligned", ""],
    "read both, write one": [sys.executable, "-c", copy, pair / "base", pair / "aligned", output],
    "extrapolate": [loxeval, "extrapolate", *models, "--output", output],
    "extrapolate --as adapter": [loxeval, "extrapolate", *models, "--as", "adapter", "--output", output],
}
size = sum(f.stat().st_size for f in (pair / "aligned").glob("*.safetensors"))
print(f"{pair.name}: {size / 1e9:.1f} GB a folder")
print("| program | seconds | user | system | peak RSS, GiB |")
print("|---|---|---|---|---|", flush=True)
for name, command in sides.items():
    shutil.rmtree(output, ignore_errors=True)
    if name == "read both, write one":
        output.mkdir()
    os.sync()
    try:
        pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")
    except OSError:
        pass
    begin = time.monotonic()
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begin
    if status:
        sys.exit(f"{name} failed")
    print(
        f"| {name} | {seconds:.1f} | {usage.ru_utime:.1f} | {usage.ru_stime:.1f} "
        f"| {usage.ru_maxrss / (1 << 20):.2f} |", flush=True)
shutil.rmtree(output, ignore_errors=True)
