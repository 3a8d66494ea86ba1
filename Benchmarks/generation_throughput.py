"""New tokens a second of `loxeval serve` in either arithmetic and of llama.cpp's server in f16 and bf16, side by side.

All get the same requests: the first 64 prompts of datasets/helpful-requests.jsonl, 16 at a time, 48
new tokens, greedy. The servers take turns for some rounds; the table shows medians, and each process's peak
resident memory; ratios are to the better of llama.cpp's two forms.

    python3 Benchmarks/generation_throughput.py --model PAIR/aligned --gguf PAIR/aligned-f16.gguf

needs a release build and a Python with gguf (LOXEVAL_PYTHON, or --python), and one or both of llama.cpp's servers: that of the
package xllamacpp, compiled for any processor with AVX2, and a `llama-server` that LLAMA_CPP_PROGRAM names.
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
    programs = peers(options.python)
    threads = len(os.sched_getaffinity(0))
    lines = open(ROOT / "datasets/helpful-requests.jsonl")
    prompts = [json.loads(line)["prompt"] for line in lines][:PROMPTS]

    name = pathlib.Path(options.model).resolve().name
    with tempfile.TemporaryDirectory() as folder:
        bf16 = pathlib.Path(folder) / "bf16.gguf"
        subprocess.run(
            [options.python, ROOT / "Benchmarks/gguf_bfloat16.py", options.gguf, bf16], check=True, stdout=sys.stderr)
        serve = [options.loxeval, "serve", "--model", options.model, "--slots", str(SLOTS), "-q", "--arithmetic"]
        llama = [options.python, ROOT / "Benchmarks/serve_llama_cpp.py", "-np", str(SLOTS), "-t", str(threads), "-m"]
        ours = {arithmetic: start([*serve, arithmetic]) for arithmetic in ["float32", "bfloat16"]}
        theirs = {
            (peer, form): start([*llama, path, "--program", program])
            for peer, program in programs.items()
            for form, path in {"f16": options.gguf, "bf16": bf16}.items()}
        try:
            def side(server, model):
                process, base = server
                rate(base, model, prompts[:SLOTS])
                return lambda _: {
                    "tokens_per_second": rate(base, model, prompts), "peak": measure.peak_of(process.pid)}

            rates = measure.in_turn(
                {f"loxeval serve, {form}": side(server, name) for form, server in ours.items()}
                | {f"{peer}, {form}": side(server, None) for (peer, form), server in theirs.items()},
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
    best = {
        peer: max(
            (server for server in rates if server.startswith(peer)),
            key=lambda server: rates[server].median("tokens_per_second"))
        for peer in programs}

    def shown(server):
        values = rates[server]
        return f"{values.median('tokens_per_second'):.0f}, {values.largest('peak') / 2**30:.2f} GiB"

    ratios = {
        (form, peer): rates[f"loxeval serve, {form}"].median("tokens_per_second")
        / rates[server].median("tokens_per_second")
        for form in ours for peer, server in best.items()}
    measure.report(
        "generation_throughput", options, [
            f"{PROMPTS} requests, {SLOTS} at a time, {NEW_TOKENS} new tokens, {threads} threads,\n"
            f"medians of {options.rounds} rounds in turn",
            measure.table(["server", "new tokens a second", "rounds", "peak memory"], rows),
            "ratios to the better of llama.cpp's two forms: "
            + ", ".join(f"{ratio:.2f} in {form} to {peer}" for (form, peer), ratio in ratios.items()),
        ], rates, headlines=[
            [
                f"replies, new tokens a second ({name}, {SLOTS} at a time, {form})", shown(f"loxeval serve, {form}"),
                f"{shown(best[peer])}: {best[peer]}", f"{ratio:.1f} ×",
            ]
            for (form, peer), ratio in ratios.items()])


def peers(python):
    """llama.cpp's servers that are there, and the program of each; the package's has none."""
    program = os.environ.get("LLAMA_CPP_PROGRAM")
    has_package = subprocess.run([python, "-c", "import xllamacpp"], capture_output=True).returncode == 0
    found = {"llama-server": program} if program else {}
    found |= {"xllamacpp's server": ""} if has_package else {}
    if not found:
        sys.exit("expected xllamacpp in the Python, or LLAMA_CPP_PROGRAM to name a llama-server, found neither")
    return found


if __name__ == "__main__":
    main()
