"""New tokens a second of `loxeval serve` and of llama.cpp's server, side by side.

Both get the same requests: the first 64 prompts of datasets/helpful-requests.jsonl, 16 at a time, 48
new tokens, greedy. The servers take turns for some rounds; the table shows medians, their ratio, and
each process's peak resident memory.

    python3 Benchmarks/generation_throughput.py --model PAIR/aligned --gguf PAIR/aligned-f16.gguf

needs a release build and a Python with xllamacpp (LOXEVAL_PYTHON, or --python).
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import statistics
import sys
import time

from servers import chat, start

ROOT = pathlib.Path(__file__).resolve().parent.parent
SLOTS, NEW_TOKENS, PROMPTS = 16, 48, 64


def ask(base, model, prompt):
    body = {
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": NEW_TOKENS,
        "temperature": 0,
        "seed": 0,
    }
    if model:
        body["model"] = model
    return chat(base, body)["usage"]["completion_tokens"]


def measure(base, model, prompts):
    begin = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(SLOTS) as pool:
        tokens = sum(pool.map(lambda prompt: ask(base, model, prompt), prompts))
    return tokens / (time.perf_counter() - begin)


def peak_memory(process):
    for line in open(f"/proc/{process.pid}/status"):
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 2**20


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loxeval", default=ROOT / ".build/release/loxeval")
    parser.add_argument("--model", required=True, help="a Hugging Face folder")
    parser.add_argument("--gguf", required=True, help="the same model for llama.cpp, in f16")
    parser.add_argument("--python", default=os.environ.get("LOXEVAL_PYTHON", sys.executable))
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    threads = len(os.sched_getaffinity(0))
    lines = open(ROOT / "datasets/helpful-requests.jsonl")
    prompts = [json.loads(line)["prompt"] for line in lines][:PROMPTS]

    name = pathlib.Path(options.model).resolve().name
    servers = {
        "loxeval serve": start(
            [options.loxeval, "serve", "--model", options.model, "--slots", str(SLOTS), "-q"]
        ),
        "llama.cpp server (xllamacpp)": start(
            [options.python, ROOT / "Benchmarks/serve_llama_cpp.py", "-m", options.gguf, "-np", str(SLOTS), "-t", str(threads)]
        ),
    }
    try:
        rates = {server: [] for server in servers}
        for server, (_, base) in servers.items():
            measure(base, name if server == "loxeval serve" else None, prompts[:SLOTS])
        for _ in range(options.rounds):
            for server, (_, base) in servers.items():
                rates[server].append(measure(base, name if server == "loxeval serve" else None, prompts))
        print(f"{PROMPTS} requests, {SLOTS} at a time, {NEW_TOKENS} new tokens, {threads} threads,")
        print(f"medians of {options.rounds} rounds in turn\n")
        print("| server | new tokens a second | rounds | peak memory |")
        print("|---|---|---|---|")
        for server, (process, _) in servers.items():
            each = ", ".join(f"{rate:.0f}" for rate in rates[server])
            print(
                f"| {server} | {statistics.median(rates[server]):.0f} | {each} "
                f"| {peak_memory(process):.2f} GiB |"
            )
        ours, theirs = (statistics.median(values) for values in rates.values())
        print(f"\nratio {ours / theirs:.2f}")
    finally:
        for process, _ in servers.values():
            process.kill()


if __name__ == "__main__":
    main()
