"""What another α costs a sweep beside its generation, on the embedded and on llama.cpp's server.

Sweeps of no new α (a finished run, continued), of α = 0, of 0 and 1, and of nine α, each from start to end.
The second α's time is that of one extrapolated model's replies; if decomposing, starting and checking
were done again for each α, the seven that follow would cost more. Prompts are such that all replies
reach the limit of new tokens, so that every model generates as much.

    python3 Benchmarks/sweep_overhead.py --pair smollm2 [--rounds 2]

`--pair` has base/, aligned/ and aligned-f16.gguf. Needs a release build and a Python with xllamacpp.
"""

import argparse
import os
import pathlib
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SWEEPS = {"1 α": "0", "2 α": "0,1", "9 α": "0..2"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loxeval", default=ROOT / ".build/release/loxeval")
    parser.add_argument("--pair", type=pathlib.Path, required=True)
    parser.add_argument("--python", default=os.environ.get("LOXEVAL_PYTHON", sys.executable))
    parser.add_argument("--prompts", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(prefix="loxeval-overhead-"))
    script = shlex.join([str(options.python), str(ROOT / "Benchmarks/serve_llama_cpp.py")])
    servers = {
        "embedded": [],
        "llama.cpp": [
            "--gguf", options.pair / "aligned-f16.gguf", "--serve",
            script + " -m {gguf} {lora} --port {port} -np 16",
        ],
    }

    def sweep(server, alpha, resume=False):
        folder = work / f"{server}-{alpha}"
        if not resume:
            shutil.rmtree(folder, ignore_errors=True)
        command = [
            options.loxeval, "sweep", "-q", "--base", options.pair / "base", "--aligned",
            options.pair / "aligned", "--targets", "linear", "--rank", "6", "--alpha", alpha, "--attack",
            "none", "--dataset", "helpful-requests", "--limit", options.prompts, "--max-tokens", "24",
            "--max-connections", "16", "--resume", "--output", folder, *servers[server],
        ]
        begin = time.perf_counter()
        subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - begin

    print(f"{options.prompts} prompts, 24 new tokens, 16 at a time, medians of {options.rounds} rounds, seconds\n")
    print("| server | nothing to ask | 1 α | 2 α | 9 α | second α | each of the last seven | overhead | 9 × 1 α |")
    print("|---|---|---|---|---|---|---|---|---|")
    for server in servers:
        times = {name: [] for name in SWEEPS}
        idle = []
        for _ in range(options.rounds):
            for name, alpha in SWEEPS.items():
                times[name].append(sweep(server, alpha))
            idle.append(sweep(server, "0", resume=True))
        one, two, nine = (statistics.median(times[name]) for name in SWEEPS)
        second, further = two - one, (nine - two) / 7
        print(
            f"| {server} | {statistics.median(idle):.2f} | {one:.2f} | {two:.2f} | {nine:.2f} | {second:.2f} "
            f"| {further:.2f} | {further / second - 1:+.1%} | {9 * one:.2f} |", flush=True)
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
