"""Trained models and adapters, read by transformers and PEFT.

    trained.py FOLDER

In each model's folder: full/ and merged/ are checkpoints and adapter/ a PEFT adapter, written after training;
logits.json holds the ids that were read, and the logits that full/ and merged/ gave for them.
"""
import json
import os
import sys

import peft
import torch
from transformers import AutoModelForCausalLM

torch.set_num_threads(1)

for name in sorted(os.listdir(sys.argv[1])):
    folder = f"{sys.argv[1]}/{name}"
    if not os.path.exists(f"{folder}/logits.json"):
        continue
    with open(f"{folder}/logits.json") as file:
        values = json.load(file)

    def load(path):
        return AutoModelForCausalLM.from_pretrained(
            path, dtype=torch.float32, attn_implementation="eager").eval()

    def check(model, expected, what):
        with torch.no_grad():
            found = model(torch.tensor([values["ids"]])).logits[0]
        distance = (found - torch.tensor(expected)).abs().max().item()
        assert distance < 1e-4, (name, what, distance)
        print(name, what, distance)

    check(load(f"{folder}/full"), values["full"], "full")
    check(load(f"{folder}/merged"), values["merged"], "merged")
    adapted = peft.PeftModel.from_pretrained(load(folder), f"{folder}/adapter").eval()
    check(adapted, values["merged"], "adapter")
