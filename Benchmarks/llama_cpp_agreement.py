"""Does a sweep on llama.cpp's server measure the same models as one on the embedded server?

Both measure LoX at five α, before and after an attack, on the same prompts: `sweep` on the embedded
server, and `sweep --serve` on llama.cpp's, with the adapters that loxeval writes for it. The script
compares verdicts sample by sample, and the log-probability of the first token of every reply, asked of
both servers one request at a time.

    python3 Benchmarks/llama_cpp_agreement.py --pair smollm2 --attack PEFT_FOLDER --dataset PROMPTS

`--pair` has base/, aligned/ and aligned-f16.gguf. Needs a release build and a Python with xllamacpp.
Exit status 1 where verdicts agree on less than 95 % or log-probabilities differ by more than 0.05.
"""

import argparse
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

from agreement import Agreement
from servers import chat, start

ROOT = pathlib.Path(__file__).resolve().parent.parent
ALPHAS = [0, 0.5, 1, 1.5, 2]


def first_tokens(base, model, prompts, variants):
    """The candidates for each reply's first token with their log-probabilities."""
    result = {}
    for name, lora in variants.items():
        for identifier, prompt in prompts.items():
            body = {
                "messages": [{"role": "user", "content": prompt}], "max_tokens": 1, "temperature": 0,
                "seed": 0, "logprobs": True, "top_logprobs": 10, "lora": lora, "cache_prompt": False,
            }
            if model:
                body["model"] = model
            content = chat(base, body)["choices"][0]["logprobs"]["content"]
            result[name, identifier] = {t["token"]: t["logprob"] for t in content[0]["top_logprobs"]}
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loxeval", default=ROOT / ".build/release/loxeval")
    parser.add_argument("--pair", type=pathlib.Path, required=True)
    parser.add_argument("--attack", type=pathlib.Path, required=True, help="a PEFT folder")
    parser.add_argument("--dataset", default="harmful-requests")
    parser.add_argument("--limit", type=int, default=75)
    parser.add_argument("--max-tokens", type=int, default=60)
    parser.add_argument("--python", default=os.environ.get("LOXEVAL_PYTHON", sys.executable))
    parser.add_argument("--work", type=pathlib.Path, help="keep the runs here")
    options = parser.parse_args()
    work = options.work or pathlib.Path(tempfile.mkdtemp())
    aligned, gguf = options.pair / "aligned", options.pair / "aligned-f16.gguf"

    common = [
        options.loxeval, "sweep", "-q", "--base", options.pair / "base", "--aligned", aligned,
        "--targets", "linear", "--rank", "6", "--alpha", ",".join(map(str, ALPHAS)), "--attack",
        f"none,import:{options.attack}", "--dataset", options.dataset, "--limit", str(options.limit),
        "--max-tokens", str(options.max_tokens), "--resume", "--output",
    ]
    script = ROOT / "Benchmarks/serve_llama_cpp.py"
    serve = shlex.join([str(options.python), str(script)]) + " -m {gguf} {lora} --port {port} -np 16"
    subprocess.run(list(map(str, common + [work / "embedded"])), check=True)
    subprocess.run(
        list(map(str, common + [work / "llama.cpp", "--serve", serve, "--gguf", gguf])), check=True
    )
    runs = Agreement(work / "embedded", work / "llama.cpp")
    agreed = runs.count("verdict")

    lox = work / "lox"
    if not lox.exists():
        subprocess.run(
            list(map(str, [
                options.loxeval, "extrapolate", "-q", "--base", options.pair / "base", "--aligned",
                aligned, "--targets", "linear", "--rank", "6", "--alpha", "1", "--as", "adapter",
                "--output", lox,
            ])), check=True)
    adapters = work / "llama.cpp/adapters"
    embedded, embedded_base = start(
        list(map(str, [
            options.loxeval, "serve", "-q", "--model", aligned, "--adapter", f"{lox}:0", "--adapter",
            f"{options.attack}:0",
        ])))
    llama, llama_base = start(
        list(map(str, [
            options.python, script, "-m", gguf, "-np", "1", "--lora", adapters / "lox-r6.gguf",
            "--lora", adapters / f"{options.attack.name}.gguf", "--lora-init-without-apply",
        ])))
    try:
        prompts = {key[1]: sample["prompt"] for key, sample in runs.ours.items()}
        variants = {
            f"{alpha} {attack}": [{"id": 0, "scale": alpha}, {"id": 1, "scale": attack}]
            for alpha in ALPHAS for attack in (0, 1)
        }
        a = first_tokens(embedded_base, aligned.name, prompts, variants)
        b = first_tokens(llama_base, None, prompts, variants)
    finally:
        embedded.kill()
        llama.kill()
    differences = []
    for key, candidates in a.items():
        token = max(candidates, key=candidates.get)
        assert token in b[key], f"{key}: {token!r} is not among llama.cpp's first ten"
        differences.append(abs(candidates[token] - b[key][token]))
    differences.sort()

    print(f"{len(prompts)} prompts, α = {', '.join(map(str, ALPHAS))}, none and {options.attack.name}:")
    print(f"\n| of {len(runs)} samples | |\n|---|---|")
    print(f"| verdicts agree | {agreed / len(runs):.1%} |")
    print(f"| replies are equal to the character | {runs.count('response') / len(runs):.1%} |")
    print(f"| first token's log-probability differs by, median | {differences[len(differences) // 2]:.4f} |")
    print(f"| largest | {differences[-1]:.4f} |\n")
    print(runs.table("llama.cpp", options.attack.name))
    return 0 if agreed >= 0.95 * len(runs) and differences[-1] <= 0.05 else 1


if __name__ == "__main__":
    sys.exit(main())
