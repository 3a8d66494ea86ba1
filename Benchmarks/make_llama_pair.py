"""make_llama_pair.py FOLDER [--size 7b|1b]: a pair of checkpoints with a Llama's shapes, in bfloat16
shards, whose difference is of rank 8 plus noise: for measuring, not for talking to.

Weights are cut from pools of random numbers, so that making them takes little longer than writing them.
FOLDER gets base/ and aligned/.
"""

import argparse
import json
import pathlib
import struct

import torch

SIZES = {"7b": (32, 4096, 11008, 32000, 32), "1b": (22, 2048, 5632, 32000, 32)}
SHARD = 5 << 30

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--size", choices=SIZES, default="7b")
options = parser.parse_args()
layers, hidden, inner, vocabulary, heads = SIZES[options.size]

tensors = {"model.embed_tokens.weight": (vocabulary, hidden)}
for layer in range(layers):
    prefix = f"model.layers.{layer}."
    tensors[prefix + "input_layernorm.weight"] = (hidden,)
    for kind in "qkvo":
        tensors[f"{prefix}self_attn.{kind}_proj.weight"] = (hidden, hidden)
    tensors[prefix + "post_attention_layernorm.weight"] = (hidden,)
    tensors[prefix + "mlp.gate_proj.weight"] = (inner, hidden)
    tensors[prefix + "mlp.up_proj.weight"] = (inner, hidden)
    tensors[prefix + "mlp.down_proj.weight"] = (hidden, inner)
tensors["model.norm.weight"] = (hidden,)
tensors["lm_head.weight"] = (vocabulary, hidden)


def size(name):
    return 2 * torch.Size(tensors[name]).numel()


shards = [[]]
for name in tensors:
    if sum(map(size, shards[-1])) + size(name) > SHARD:
        shards.append([])
    shards[-1].append(name)

generator = torch.Generator().manual_seed(5)
pool_size = vocabulary * hidden + (1 << 20)
weights = torch.randn(pool_size, generator=generator).mul_(0.02)
noise = torch.randn(pool_size, generator=generator).mul_(1e-4)


def cut(pool, shape):
    count = torch.Size(shape).numel()
    start = torch.randint(0, pool_size - count, (1,), generator=generator).item()
    return pool[start : start + count].view(shape)


def pair(shape):
    base = cut(weights, shape).to(torch.bfloat16)
    if len(shape) == 1:
        return base, base
    strengths = torch.linspace(1.0, 0.3, 8) * 0.02 * max(shape) ** 0.5
    left = torch.randn(shape[0], 8, generator=generator) / shape[0] ** 0.5 * strengths
    right = torch.randn(8, shape[1], generator=generator) / shape[1] ** 0.5
    change = torch.addmm(cut(noise, shape), left, right)
    return base, change.add_(base).to(torch.bfloat16)


configuration = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": hidden,
    "intermediate_size": inner, "num_hidden_layers": layers, "num_attention_heads": heads,
    "num_key_value_heads": heads, "vocab_size": vocabulary, "rms_norm_eps": 1e-5,
    "tie_word_embeddings": False, "dtype": "bfloat16",
}
names = ("base", "aligned")
index = {}
for name in names:
    (options.folder / name).mkdir(parents=True)
for number, shard in enumerate(shards):
    file_name = f"model-{number + 1:05}-of-{len(shards):05}.safetensors"
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for tensor in shard:
        index[tensor] = file_name
        end = offset + size(tensor)
        header[tensor] = {"dtype": "BF16", "shape": tensors[tensor], "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    files = [open(options.folder / name / file_name, "wb") for name in names]
    for file in files:
        file.write(struct.pack("<Q", len(text)) + text)
    for tensor in shard:
        for file, values in zip(files, pair(tensors[tensor])):
            file.write(memoryview(values.contiguous().view(torch.uint8).numpy().reshape(-1)))
    for file in files:
        file.close()
for name in names:
    (options.folder / name / "config.json").write_text(json.dumps(configuration, indent=2))
    (options.folder / name / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": sum(map(size, tensors))}, "weight_map": index})
    )
