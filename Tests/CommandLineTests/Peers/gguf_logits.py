"""gguf_logits.py MODEL_GGUF ADAPTER_GGUF ENDPOINT: llama.cpp's server with the GGUF adapter gives the
log-probabilities that the server at ENDPOINT gives with the same update."""

import json
import sys
import urllib.request

import xllamacpp

model, adapter, base = sys.argv[1:]


def post(address, path, body):
    request = urllib.request.Request(
        address + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    return json.load(urllib.request.urlopen(request))


def first_scores(address, prompt, scale):
    body = {"prompt": prompt, "n_predict": 1, "temperature": 0, "n_probs": 5, "cache_prompt": False}
    body["lora"] = [{"id": 0, "scale": scale}]
    reply = post(address, "/completion", body)
    return {e["token"]: e["logprob"] for e in reply["completion_probabilities"][0]["top_logprobs"]}


info = xllamacpp.CommonAdapterLoraInfo()
info.path, info.scale = adapter, 1.0
params = xllamacpp.CommonParams()
params.model.path = model
params.lora_adapters = [info]
params.n_ctx = 512
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 2
params.port = 0
params.verbosity = 0
server = xllamacpp.Server(params)

effect = 0
for text in ["How do I bake bread?", "Name three rivers.", "Why is the sky blue?"]:
    messages = [{"role": "user", "content": text}]
    prompt = post(base, "/apply-template", {"messages": messages})["prompt"]
    body = {"messages": messages, "max_tokens": 1, "temperature": 0, "logprobs": True, "top_logprobs": 5}
    body["lora"] = [{"id": 0, "scale": 1.0}]
    first = post(base, "/v1/chat/completions", body)["choices"][0]["logprobs"]["content"][0]
    expected = {e["token"]: e["logprob"] for e in first["top_logprobs"]}
    found = first_scores(server.listening_address, prompt, 1.0)
    plain = first_scores(server.listening_address, prompt, 0.0)
    common = expected.keys() & found.keys()
    assert len(common) >= 4, (expected, found)
    for token in common:
        # The GGUF is f16, and so are llama.cpp's products.
        assert abs(expected[token] - found[token]) < 0.05, (token, expected, found)
    effect = max(effect, max(abs(plain.get(t, -20) - found[t]) for t in common))
    print(max(abs(expected[t] - found[t]) for t in common), effect)
assert effect > 0.5, f"the adapter has no effect: {effect}"
