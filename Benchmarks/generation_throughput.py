"""New tokens a second of `loxeval serve` in either arithmetic and of llama.cpp's server in f16 and bf16, side by side.

All get the same requests: the first 64 prompts of datasets/helpful-requests.jsonl, 16 at a time, 48
new tokens, greedy. The servers take turns for some rounds; the table shows medians, and each process's peak
resident memory; ratios are to the better of llama.cpp's.

    python3 Benchmarks/generation_throughput.py --model PAIR/aligned --gguf PAIR/aligned-f16.gguf

needs a release build and a Python with gguf (LOXEVAL_PYTHON, or --python) and with xllamacpp, or a `llama-server` that
LLAMA_CPP_PROGRAM names: the package's is compiled for any processor with AVX2.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile
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
    with tempfile.TemporaryDirectory() as folder:
        bf16 = pathlib.Path(folder) / "bf16.gguf"
        subprocess.run(
            [options.python, ROOT / "Benchmarks/gguf_bfloat16.py", options.gguf, bf16], check=True, stdout=sys.stderr)
        program = os.environ.get("LLAMA_CPP_PROGRAM")
        peer = "llama-server" if program else "llama.cpp's server (xllamacpp)"
        serve = [options.loxeval, "serve", "--model", options.model, "--slots", str(SLOTS), "-q", "--arithmetic"]
        llama = [options.python, ROOT / "Benchmarks/serve_llama_cpp.py", "-np", str(SLOTS), "-t", str(threads), "-m"]
        ours = {arithmetic: start([*serve, arithmetic]) for arithmetic in ["float32", "bfloat16"]}
        theirs = {form: start([*llama, path]) for form, path in {"f16": options.gguf, "bf16": bf16}.items()}
        try:
            def side(server, model):
                process, base = server
                rate(base, model, prompts[:SLOTS])
                return lambda _: {
                    "tokens_per_second": rate(base, model, prompts), "peak": measure.peak_of(process.pid)}

            rates = measure.in_turn(
                {f"loxeval serve, {form}": side(server, name) for form, server in ours.items()}
                | {f"{peer}, {form}": side(server, None) for form, server in theirs.items()},
                options.rounds)
        finally:
            for process, _ in [*ours.values(), *theirs.values()]:
                process.kill()

    rows = [
        [
            server, f"{values.median('tokens_per_second'):.0f}",
            ", ".join(f"{value:.0f}" for value in values.values("tokens_per_second")),
            f"{values.largest('peak') / 2**30:.2f} GiB",
        ]
        for server, values in rates.items()
    ]
    best = max(
        (server for server in rates if server.startswith(peer)),
        key=lambda server: rates[server].median("tokens_per_second"))

    def shown(server):
        values = rates[server]
        return f"{values.median('tokens_per_second'):.0f}, {values.largest('peak') / 2**30:.2f} GiB"

    ratios = {
        form: rates[f"loxeval serve, {form}"].median("tokens_per_second") / rates[best].median("tokens_per_second")
        for form in ours}
    measure.report(
        "generation_throughput", options, [
            f"{PROMPTS} requests, {SLOTS} at a time, {NEW_TOKENS} new tokens, {threads} threads,\n"
            f"medians of {options.rounds} rounds in turn",
            measure.table(["server", "new tokens a second", "rounds", "peak memory"], rows),
            "ratios to the better of llama.cpp's: "
            + ", ".join(f"{ratio:.2f} in {form}" for form, ratio in ratios.items()),
        ], rates, headlines=[
            [
                f"replies, new tokens a second ({name}, {SLOTS} at a time, {form})", shown(f"loxeval serve, {form}"),
                f"{shown(best)}: {best}", f"{ratio:.1f} ×",
            ]
            for form, ratio in ratios.items()])


if __name__ == "__main__":
    main()
