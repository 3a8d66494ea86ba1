"""llama.cpp's own server, from the PyPI package xllamacpp, with the options of `llama-server`.

    serve_llama_cpp.py -m GGUF [--lora FILE]… [--lora-init-without-apply] [--port N] [-np SLOTS] [-t THREADS]

Prints its address and serves until it is killed.
"""

import argparse
import os
import time

import xllamacpp

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("-m", "--model", required=True)
parser.add_argument("--lora", action="append", default=[])
parser.add_argument("--lora-init-without-apply", action="store_true")
parser.add_argument("--host", default="127.0.0.1")
parser.add_argument("--port", type=int, default=0)
parser.add_argument("-np", "--parallel", type=int, default=4)
parser.add_argument("-c", "--context", type=int, default=512, help="tokens for each slot")
parser.add_argument("-t", "--threads", type=int, default=len(os.sched_getaffinity(0)))
options = parser.parse_args()

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
