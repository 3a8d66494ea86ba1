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
import sys
import time

import measure
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


def rate(base, model, prompts):
    """New tokens a second over all of the requests."""
    begin = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(SLOTS) as pool:
        tokens = sum(pool.map(lambda prompt: ask(base, model, prompt), prompts))
    return tokens / (time.perf_counter() - begin)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loxeval", default=ROOT / ".build/release/loxeval")
    parser.add_argument("--model", required=True, help="a Hugging Face folder")
    parser.add_argument("--gguf", required=True, help="the same model for llama.cpp, in f16")
    parser.add_argument("--python", default=os.environ.get("LOXEVAL_PYTHON", sys.executable))
    measure.add_options(parser, rounds=3)
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
        def side(server):
            process, base = servers[server]
            model = name if server == "loxeval serve" else None
            rate(base, model, prompts[:SLOTS])
            return lambda _: {
                "tokens_per_second": rate(base, model, prompts), "peak": measure.peak_of(process.pid)}

        rates = measure.in_turn({server: side(server) for server in servers}, options.rounds)
        rows = [
            [
                server, f"{values.median('tokens_per_second'):.0f}",
                ", ".join(f"{value:.0f}" for value in values.values("tokens_per_second")),
                f"{values.largest('peak') / 2**30:.2f} GiB",
            ]
            for server, values in rates.items()
        ]
        ours, theirs = (values.median("tokens_per_second") for values in rates.values())
        measure.report(
            "generation_throughput", options, [
                f"{PROMPTS} requests, {SLOTS} at a time, {NEW_TOKENS} new tokens, {threads} threads,\n"
                f"medians of {options.rounds} rounds in turn",
                measure.table(["server", "new tokens a second", "rounds", "peak memory"], rows),
                f"ratio {ours / theirs:.2f}",
            ], rates, headlines=[[
                f"replies, new tokens a second ({name}, {SLOTS} at a time)",
                *(f"{values.median('tokens_per_second'):.0f}, {values.largest('peak') / 2**30:.2f} GiB"
                  + ("" if server == "loxeval serve" else ": llama.cpp's server, f16") for server, values in rates.items()),
                f"{ours / theirs:.1f} ×"]])
    finally:
        for process, _ in servers.values():
            process.kill()


if __name__ == "__main__":
    main()
