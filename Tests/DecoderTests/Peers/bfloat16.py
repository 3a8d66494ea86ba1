"""Logits of some texts in float32 and in bfloat16, by transformers: bfloat16.py MODEL, JSON on its output."""

import json
import sys

import torch
import transformers

TEXTS = [
    "The capital of France is Paris, and the river that runs through it is",
    "def add(a, b):\n    return a + b\n\nprint(add(2,",
    "Once upon a time a small dog found a key in the garden and wondered which door it opened.",
]

tokenizer = transformers.AutoTokenizer.from_pretrained(sys.argv[1])
models = {
    name: transformers.AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=getattr(torch, name)).eval()
    for name in ("float32", "bfloat16")
}
found = []
with torch.inference_mode():
    for text in TEXTS:
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        found.append({"ids": ids} | {
            name: [[round(value, 5) for value in row] for row in model(torch.tensor([ids])).logits[0].float().tolist()]
            for name, model in models.items()})
print(json.dumps(found))
