"""llama.cpp's own server, with the options of `llama-server`.

    serve_llama_cpp.py -m GGUF [--lora FILE]… [--lora-init-without-apply] [--port N] [-np SLOTS] [-t THREADS]
        [--program FILE]

It is that of the PyPI package xllamacpp, which is compiled for any processor with AVX2, or the program `llama-server` that
`--program` or LLAMA_CPP_PROGRAM names, compiled for this one. Prints its address and serves until it is killed.
"""

import argparse
import os
import socket
import time
import urllib.error
import urllib.request

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("-m", "--model", required=True)
parser.add_argument("--lora", action="append", default=[])
parser.add_argument("--lora-init-without-apply", action="store_true")
parser.add_argument("--host", default="127.0.0.1")
parser.add_argument("--port", type=int, default=0)
parser.add_argument("-np", "--parallel", type=int, default=4)
parser.add_argument("-c", "--context", type=int, default=512, help="tokens for each slot")
parser.add_argument("-t", "--threads", type=int, default=len(os.sched_getaffinity(0)))
parser.add_argument("--program", default=os.environ.get("LLAMA_CPP_PROGRAM"), help="a llama-server (default: LLAMA_CPP_PROGRAM's)")
options = parser.parse_args()


def say_when_it_answers(address, server):
    """Prints the address as soon as the server there has loaded its model; gives up where it has ended."""
    while os.getppid() == server:
        try:
            urllib.request.urlopen(address + "/health").close()
            print(address, flush=True)
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)


def serve_by_program():
    """Becomes the program, so that who started this kills and measures the server itself; a child says the address."""
    with socket.socket() as found:
        found.bind((options.host, options.port))
        port = found.getsockname()[1]
    server = os.getpid()
    if os.fork() == 0:
        say_when_it_answers(f"http://{options.host}:{port}", server)
        os._exit(0)
    command = [
        options.program, "-m", options.model, "--host", options.host, "--port", port, "-np", options.parallel,
        "-c", options.parallel * options.context, "-t", options.threads, "-tb", options.threads, "--log-disable"]
    for path in options.lora:
        command += ["--lora", path]
    command += ["--lora-init-without-apply"] if options.lora_init_without_apply else []
    os.execvp(options.program, list(map(str, command)))


def serve_by_package():
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = options.model
    params.n_parallel = options.parallel
    params.n_ctx = options.parallel * options.context
    params.cpuparams.n_threads = options.threads
    params.cpuparams_batch.n_threads = options.threads
    params.hostnames = [options.host]
    params.port = options.port
    params.verbosity = 0
    adapters = []
    for path in options.lora:
        adapter = xllamacpp.CommonAdapterLoraInfo()
        adapter.path, adapter.scale = path, 1.0
        adapters.append(adapter)
    params.lora_adapters = adapters
    params.lora_init_without_apply = options.lora_init_without_apply
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    while True:
        time.sleep(3600)


serve_by_program() if options.program else serve_by_package()
