"""Small random models of every family, and what PyTorch and PEFT make of them in twenty steps.

    training.py FOLDER

Each model's folder gets a training.json (sequences, the losses of a full and of a LoRA training, the layers that
got adapters) and lora-initial/, the adapter before its first step.
"""
import json
import math
import os
import sys

import peft
import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

torch.set_num_threads(1)

OUT = sys.argv[1]
STEPS, RATE, DECAY, RANK = 20, 2e-3, 0.1, 4

BASE = dict(
    vocab_size=80, hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=128, dtype="float32", bos_token_id=1, eos_token_id=None,
    pad_token_id=0)
LONG = dict(long_factor=[1.0, 2.0, 4.0, 8.0], short_factor=[1.0, 1.1, 1.2, 1.3])
DENSE = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
EXPERTS = dict(targets=["q_proj", "v_proj"], parameters=[
    "mlp.experts.gate_up_proj", "mlp.experts.down_proj", "mlp.gate.weight"], stacked=True)

MODELS = {
    "llama": (dict(attention_bias=True, mlp_bias=True), {}),
    "mistral": (dict(sliding_window=7), {}),
    "qwen2": ({}, {}),
    "qwen3": (dict(head_dim=8, tie_word_embeddings=True), {}),
    "gemma": (dict(head_dim=8), {}),
    "gemma2": (dict(head_dim=8, sliding_window=7), {}),
    "gemma3_text": (dict(head_dim=8, sliding_window=7, sliding_window_pattern=2), {}),
    "phi3": (
        dict(original_max_position_embeddings=16, rope_scaling=dict(type="longrope", **LONG)),
        dict(targets=["qkv_proj", "o_proj", "gate_up_proj", "down_proj"])),
    "olmo2": ({}, {}),
    "olmo3": (dict(sliding_window=7), {}),
    "smollm3": ({}, {}),
    "granite": (dict(embedding_multiplier=4.0, residual_multiplier=0.5, logits_scaling=2.0), {}),
    "mixtral": (
        dict(num_local_experts=4, num_experts_per_tok=2), dict(targets=["q_proj", "k_proj", "v_proj", "o_proj"])),
    "mixtral-stacked": (dict(model_type="mixtral", num_local_experts=4, num_experts_per_tok=2), EXPERTS),
    "qwen3_moe": (
        dict(num_experts=4, num_experts_per_tok=2, moe_intermediate_size=24, norm_topk_prob=True, head_dim=8),
        EXPERTS),
}


def batches():
    generator = torch.Generator().manual_seed(5)
    return [
        [torch.randint(3, 80, (length,), generator=generator).tolist() for length in (24, 13, 19)]
        for _ in range(4)]


def train(model, parameters):
    groups = [
        dict(params=[p for p in parameters if p.dim() > 1], weight_decay=DECAY),
        dict(params=[p for p in parameters if p.dim() == 1], weight_decay=0.0)]
    optimizer = torch.optim.AdamW([g for g in groups if g["params"]], lr=RATE, betas=(0.9, 0.999), eps=1e-8)
    losses, data = [], batches()
    model.train()
    for step in range(STEPS):
        total, count = 0.0, 0
        for ids in data[step % len(data)]:
            ids = torch.tensor([ids])
            logits = model(input_ids=ids, use_cache=False).logits[0]
            total = total + torch.nn.functional.cross_entropy(logits[4:-1], ids[0, 5:], reduction="sum")
            count += ids.shape[1] - 5
        loss = total / count
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 2.0)
        optimizer.step()
        losses.append(loss.item())
    return losses


for number, (name, (settings, how)) in enumerate(MODELS.items()):
    folder = f"{OUT}/{name}"
    os.makedirs(folder)
    settings = dict(BASE, **dict(dict(model_type=name), **settings))
    with open(f"{folder}/config.json", "w") as file:
        json.dump(settings, file)
    torch.manual_seed(number)
    config = AutoConfig.from_pretrained(folder)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            scale = 0.1 if parameter.dim() == 1 else 1.0 / math.sqrt(parameter.shape[-1])
            offset = 1.0 if "norm" in key and not name.startswith("gemma") else 0.0
            parameter.copy_(offset + scale * torch.randn_like(parameter))
    if how.get("stacked"):
        save_file(
            {k: v.contiguous() for k, v in model.state_dict().items()}, f"{folder}/model.safetensors",
            metadata={"format": "pt"})
    else:
        model.save_pretrained(folder)
        with open(f"{folder}/config.json", "w") as file:
            json.dump(settings, file)

    def load():
        return AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager")

    model = load()
    full = train(model, [p for p in model.parameters() if p.requires_grad])
    targets, parameters = how.get("targets", DENSE), how.get("parameters")
    torch.manual_seed(100 + number)
    adapted = peft.get_peft_model(load(), peft.LoraConfig(
        r=RANK, lora_alpha=2 * RANK, lora_dropout=0.0, target_modules=targets, target_parameters=parameters,
        task_type="CAUSAL_LM"))
    adapted.save_pretrained(f"{folder}/lora-initial")
    lora = train(adapted, [p for p in adapted.parameters() if p.requires_grad])
    kinds = targets + [
        "gate" if p.endswith("gate.weight") else p.split(".")[-1] for p in parameters or []]
    with open(f"{folder}/training.json", "w") as file:
        json.dump(
            dict(
                batches=batches(), full=full, lora=lora, targets=kinds, rate=RATE, decay=DECAY, rank=RANK,
                label_from=5), file)
