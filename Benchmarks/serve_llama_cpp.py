"""llama.cpp's own server, from the PyPI package xllamacpp: serve_llama_cpp.py GGUF SLOTS THREADS.

Prints its address and serves until it is killed.
"""

import sys
import time

import xllamacpp

path, slots, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
params = xllamacpp.CommonParams()
params.model.path = path
params.n_parallel = slots
params.n_ctx = slots * 512
params.cpuparams.n_threads = threads
params.cpuparams_batch.n_threads = threads
params.port = 0
params.verbosity = 0
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
while True:
    time.sleep(3600)
