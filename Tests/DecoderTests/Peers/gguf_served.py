"""gguf_served.py FOLDER: llama.cpp's server with FOLDER/model.gguf and FOLDER/adapter.gguf gives the
log-probabilities and greedy ids of FOLDER/expected.json, with the adapter at scale 0 and at scale 1."""

import json
import sys
import urllib.request

import xllamacpp

folder = sys.argv[1]
with open(f"{folder}/expected.json") as file:
    expected = json.load(file)

adapter = xllamacpp.CommonAdapterLoraInfo()
adapter.path, adapter.scale = f"{folder}/adapter.gguf", 1.0
params = xllamacpp.CommonParams()
params.model.path = f"{folder}/model.gguf"
params.lora_adapters = [adapter]
# Within what Phi-3's short factors are for: llama.cpp chooses by the context, not by the text.
params.n_ctx = 256
params.n_parallel = 1
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
params.port = 0
params.verbosity = 0
params.warmup = False
# Keys and values as the weights are.
params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
server = xllamacpp.Server(params)

furthest = 0
for scale, wanted in [(0.0, expected["plain"]), (1.0, expected["adapted"])]:
    body = {
        "prompt": expected["prompt"], "n_predict": len(wanted["greedy"]), "temperature": 0, "ignore_eos": True,
        "n_probs": expected["vocabulary"], "cache_prompt": False, "return_tokens": True,
        "lora": [{"id": 0, "scale": scale}],
    }
    request = urllib.request.Request(
        server.listening_address + "/completion", json.dumps(body).encode(), {"Content-Type": "application/json"})
    reply = json.load(urllib.request.urlopen(request))
    steps = reply["completion_probabilities"]
    assert [step["id"] for step in steps] == wanted["greedy"], (
        folder, scale, [step["id"] for step in steps], wanted["greedy"])
    for found, scores in zip(steps, wanted["logprobs"], strict=True):
        found = {entry["id"]: entry["logprob"] for entry in found["top_logprobs"]}
        assert len(found) == expected["vocabulary"], len(found)
        furthest = max(furthest, max(abs(score - found[token]) for token, score in enumerate(scores)))
print(furthest)
assert furthest < expected["tolerance"], (folder, furthest)
