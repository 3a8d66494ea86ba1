"""Runs the benchmarks one after the other, and writes the table of all of them into docs/performance.md.

    python3 Benchmarks/all.py --pair smollm2 [--only NAME]… [--rounds N] [--adapter FOLDER] [--large PAIR]
    python3 Benchmarks/all.py --table          the table alone, from the newest results

Each benchmark writes Benchmarks/results/NAME-COMMIT.json. The table takes the newest result of each, and says below it
where and from which commit each was measured. `--pair` has base/, aligned/ and, for llama.cpp, aligned-f16.gguf. What a
benchmark needs and is not there is said, and it is left out: `--adapter` (a PEFT folder, for sweep_cells), `--large` (what
make_llama_pair.py made), packages of the Python that LOXEVAL_PYTHON or --python names. LLAMA_CPP_PROGRAM may
name a `llama-server` that was compiled for this processor. Needs a release build and a machine
that does nothing else.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BENCHMARKS = ROOT / "Benchmarks"
DOCUMENT = ROOT / "docs/performance.md"
BEGIN, END = "<!-- make bench writes what follows -->", "<!-- until here -->"
# In the table's order.
NAMES = [
    "generation_throughput", "training_steps", "extrapolation_smollm2", "extrapolation_large", "client_throughput",
    "sweep_overhead", "sweep_cells", "reference_study"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pair", type=pathlib.Path, help="a pair of models")
    parser.add_argument("--only", action="append", choices=NAMES, help="this benchmark; may be repeated (default: all)")
    parser.add_argument("--rounds", type=int, help="of each benchmark (default: its own)")
    parser.add_argument("--adapter", type=pathlib.Path, help="an adapter of the aligned model, for sweep_cells")
    parser.add_argument("--large", type=pathlib.Path, help="a pair larger than memory, for extrapolation_large")
    parser.add_argument("--loxeval", type=pathlib.Path, default=ROOT / ".build/release/loxeval")
    parser.add_argument("--python", default=os.environ.get("LOXEVAL_PYTHON", sys.executable))
    parser.add_argument("--table", action="store_true", help="measure nothing: write the table alone")
    options = parser.parse_args()
    if options.table == bool(options.pair):
        parser.error("expected either --pair, to measure, or --table, found " + ("both" if options.table else "neither"))
    failed = []
    if not options.table:
        if not os.access(options.loxeval, os.X_OK):
            parser.error(f"expected a program at {options.loxeval}: build it (swift build -c release)")
        for name in options.only or NAMES:
            command = commands(options)[name]
            if isinstance(command, str):
                print(f"{name} is left out: {command}", flush=True)
                continue
            print(f"== {name}", flush=True)
            rounds = ["--rounds", options.rounds] if options.rounds else []
            if subprocess.run([str(word) for word in command + rounds]).returncode:
                failed.append(name)
    write(newest())
    if failed:
        sys.exit(f"ended with an error: {', '.join(failed)}")


def commands(options):
    """By benchmark its command, or why there is none."""
    pair, python, own = options.pair, options.python, ["--loxeval", options.loxeval]

    def script(name, *words, by=sys.executable):
        return [by, BENCHMARKS / f"{name}.py", *words]

    def needing(packages, command):
        missing = [
            package for package in packages
            if subprocess.run([python, "-c", f"import {package}"], capture_output=True).returncode]
        return f"{python} has no {', '.join(missing)}" if missing else command

    gguf = pair / "aligned-f16.gguf"
    served = ["--python", python, *own]
    mergekit = pathlib.Path(python).parent
    llama = [] if os.environ.get("LLAMA_CPP_PROGRAM") else ["xllamacpp"]
    return {
        "generation_throughput": needing(
            [*llama, "gguf"], script("generation_throughput", "--model", pair / "aligned", "--gguf", gguf, *served)),
        "training_steps": needing(
            ["torch", "transformers", "peft"], script("training_steps", "--model", pair / "aligned", *served)),
        "extrapolation_smollm2": needing(
            ["torch", "safetensors"], script(
                "extrapolation_smollm2", options.loxeval, pair,
                *(["--mergekit", mergekit] if (mergekit / "mergekit-yaml").exists() else []), by=python)),
        "extrapolation_large":
            script("extrapolation_large", options.loxeval, options.large) if options.large
            else "it needs --large, a pair that make_llama_pair.py made",
        "client_throughput": needing(["openai"], script("client_throughput", *served)),
        "sweep_overhead": needing(llama, script("sweep_overhead", "--pair", pair, *served)),
        "sweep_cells":
            script("sweep_cells", "--pair", pair, "--attack", options.adapter, *own) if options.adapter
            else "it needs --adapter, an adapter of the aligned model",
        "reference_study": needing(
            ["torch", "transformers", "accelerate"], script("reference_study", "--pair", pair, *served)),
    }


def newest():
    """The newest result of each benchmark that has any, in the table's order."""
    found = {}
    for path in (BENCHMARKS / "results").glob("*.json"):
        result = json.loads(path.read_text())
        name, date = result["benchmark"], result["machine"]["date"]
        if result.get("headlines") and date > found.get(name, {"machine": {"date": ""}})["machine"]["date"]:
            found[name] = result
    return [found[name] for name in NAMES if name in found]


def write(results):
    if not results:
        sys.exit("expected results in Benchmarks/results, found none that belong into the table")
    text = DOCUMENT.read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        sys.exit(f"expected one line {BEGIN!r} and one {END!r} in {DOCUMENT}")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    lines = ["| what | loxeval | beside it | ratio |", "|---|---|---|---|"]
    lines += ["| " + " | ".join(row) + " |" for result in results for row in result["headlines"]]
    places = {}
    for result in results:
        machine = result["machine"]
        kernel = machine["blas"]["kernel"] if machine["blas"] else "none"
        place = f"{machine['cores']} cores of {machine['processor']}, OpenBLAS {kernel}, {machine['date'][:10]}, {machine['commit']}"
        places.setdefault(place, []).append(result["benchmark"])
    lines += ["", *(f"{place}: {', '.join(names)}.  " for place, names in places.items())]
    DOCUMENT.write_text(before + BEGIN + "\n" + "\n".join(line.rstrip() if line.startswith("|") else line for line in lines)
                        + "\n" + END + after)
    print(f"{sum(len(result['headlines']) for result in results)} rows in {DOCUMENT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
