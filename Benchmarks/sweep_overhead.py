"""What another α costs a sweep beside its generation, on the embedded and on llama.cpp's server.

A sweep of one α and a sweep of nine, each from start to end, and between them the same server asked by
itself, without loxeval, for the replies of the eight further models: the same prompts, as many requests
at a time. What the eight cost a sweep above that is loxeval's: checking that each model is served,
judging, journalling. Prompts are such that all replies reach the limit of new tokens.

    python3 Benchmarks/sweep_overhead.py --pair smollm2 [--rounds 2]

`--pair` has base/, aligned/ and aligned-f16.gguf. Needs a release build and a Python with xllamacpp.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import measure
from servers import chat, start

ROOT = pathlib.Path(__file__).resolve().parent.parent
FURTHER = [0.25 * step for step in range(1, 9)]
SLOTS, NEW_TOKENS = 16, 24


def ask(base, prompt, alpha):
    body = {
        "messages": [{"role": "user", "content": prompt}], "max_tokens": NEW_TOKENS, "temperature": 0,
        "seed": 0, "lora": [{"id": 0, "scale": alpha}], "cache_prompt": False,
    }
    chat(base, body)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loxeval", default=ROOT / ".build/release/loxeval")
    parser.add_argument("--pair", type=pathlib.Path, required=True)
    parser.add_argument("--python", default=os.environ.get("LOXEVAL_PYTHON", sys.executable))
    parser.add_argument("--prompts", type=int, default=75)
    measure.add_options(parser, rounds=2)
    parser.add_argument("--server", choices=["embedded", "llama.cpp"], help="only one of the two")
    options = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(prefix="loxeval-overhead-"))
    models = ["--base", options.pair / "base", "--aligned", options.pair / "aligned", "--targets", "linear"]
    gguf = options.pair / "aligned-f16.gguf"
    script = [options.python, ROOT / "Benchmarks/serve_llama_cpp.py"]
    lox = {"embedded": work / "lox", "llama.cpp": work / "lox.gguf"}
    for server, form in [("embedded", "peft"), ("llama.cpp", "gguf")]:
        command = [options.loxeval, "extrapolate", "-q", *models, "--rank", "6", "--alpha", "1", "--as"]
        command += ["adapter", "--adapter-format", form, "--output", lox[server]]
        subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
    alone = {
        "embedded": [
            options.loxeval, "serve", "-q", "--model", options.pair / "aligned", "--adapter",
            f"{lox['embedded']}:0", "--slots", SLOTS],
        "llama.cpp": [
            *script, "-m", gguf, "--lora", lox["llama.cpp"], "--lora-init-without-apply", "-np", SLOTS],
    }
    in_sweep = {
        "embedded": [],
        "llama.cpp": [
            "--gguf", gguf, "--serve",
            shlex.join(map(str, script)) + f" -m {{gguf}} {{lora}} --port {{port}} -np {SLOTS}"],
    }
    prompts = [
        json.loads(line)["prompt"]
        for line in (ROOT / "datasets/helpful-requests.jsonl").read_text().splitlines()
    ][:options.prompts]

    def sweep(server, alpha):
        folder = work / f"{server}-{alpha}"
        shutil.rmtree(folder, ignore_errors=True)
        command = [
            options.loxeval, "sweep", "-q", *models, "--rank", "6", "--alpha", alpha, "--attack", "none",
            "--dataset", "helpful-requests", "--limit", options.prompts, "--max-tokens", NEW_TOKENS,
            "--max-connections", SLOTS, "--output", folder, *in_sweep[server],
        ]
        return measure.run(command)["seconds"]

    def generation(server):
        process, base = start(alone[server])
        try:
            ask(base, prompts[0], 0)
            begin = time.perf_counter()
            with concurrent.futures.ThreadPoolExecutor(SLOTS) as pool:
                for done in pool.map(lambda item: ask(base, *item), [(p, a) for a in FURTHER for p in prompts]):
                    pass
            return time.perf_counter() - begin
        finally:
            process.kill()

    def side(server):
        return lambda _: {
            "one": sweep(server, "0"), "nine": sweep(server, "0..2"), "alone": generation(server)}

    chosen = [options.server] if options.server else alone
    measured = measure.in_turn({server: side(server) for server in chosen}, options.rounds)
    rows, headlines = [], []
    for server, values in measured.items():
        one, nine, replies = map(values.median, ["one", "nine", "alone"])
        overhead = statistics.median((s["nine"] - s["one"]) / s["alone"] - 1 for s in values.samples)
        rows.append([
            server, f"{one:.1f}", f"{nine:.1f}", f"{nine - one:.1f}", f"{replies:.1f}", f"{overhead:+.1%}",
            f"{9 * one:.1f}",
        ])
        headlines.append([
            f"eight further α in a sweep, {server} server", f"{nine - one:.1f} s",
            f"{replies:.1f} s: the server alone, for the same replies", f"{overhead:+.1%}"])
    measure.report(
        "sweep_overhead", options, [
            f"{options.prompts} prompts, {NEW_TOKENS} new tokens, {SLOTS} at a time, medians of "
            f"{options.rounds} rounds, seconds",
            measure.table([
                "server", "1 α", "9 α", "the eight in the sweep", "asked alone", "overhead", "9 × 1 α"], rows),
        ], measured, headlines=headlines)
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
