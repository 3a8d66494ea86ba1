"""Small random models of every family that llama.cpp has, as transformers writes them and as llama.cpp reads them.

    gguf_models.py FOLDER

Each model's folder gets config.json, model.safetensors and model.gguf, all in float32: the same weights under
llama.cpp's names, with the settings that its own conversion would write.
"""
import json
import math
import os
import sys

import gguf
import numpy
import torch
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM

torch.set_num_threads(1)

OUT = sys.argv[1]
VOCABULARY = 96
HEADS, KEYS, HEAD_DIM = 4, 2, 16
BASE = dict(
    vocab_size=VOCABULARY, hidden_size=64, intermediate_size=96, num_hidden_layers=4, num_attention_heads=HEADS,
    num_key_value_heads=KEYS, max_position_embeddings=256, dtype="float32", bos_token_id=1, eos_token_id=2,
    pad_token_id=0, tie_word_embeddings=False, rms_norm_eps=1e-5)
LLAMA3 = dict(
    rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64)
LONG = dict(
    long_factor=[1.0, 1.5, 2.5, 4.0, 6.0, 9.0, 10.0, 12.0],
    short_factor=[1.0, 1.05, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6])
TIED = dict(tie_word_embeddings=True)
QMOE = dict(num_experts=6, num_experts_per_tok=3, moe_intermediate_size=32, norm_topk_prob=True)

# By name: the settings, and llama.cpp's name of the architecture.
MODELS = {
    "llama": ({}, "llama"),
    "llama-biases": (dict(attention_bias=True), "llama"),
    "llama-tied": (TIED, "llama"),
    "llama-llama3": (dict(rope_theta=5e5, rope_scaling=LLAMA3), "llama"),
    "llama-linear": (dict(rope_scaling=dict(type="linear", factor=4.0)), "llama"),
    "mistral": (dict(sliding_window=None, head_dim=24), "llama"),
    "mixtral": (dict(num_local_experts=4, num_experts_per_tok=2), "llama"),
    "qwen2": ({}, "qwen2"),
    "qwen3": (dict(head_dim=24), "qwen3"),
    "qwen3_moe": (dict(QMOE, head_dim=HEAD_DIM), "qwen3moe"),
    "gemma": (dict(TIED, head_dim=24), "gemma"),
    "gemma2": (dict(TIED, head_dim=24, query_pre_attn_scalar=24, sliding_window=7), "gemma2"),
    "gemma3_text": (
        dict(TIED, head_dim=24, query_pre_attn_scalar=24, sliding_window=7, num_hidden_layers=6, rope_theta=1e6,
             rope_local_base_freq=1e4), "gemma3"),
    "phi3": (dict(original_max_position_embeddings=256), "phi3"),
    "phi3-longrope": (
        dict(original_max_position_embeddings=256, max_position_embeddings=512,
             rope_scaling=dict(type="longrope", **LONG)), "phi3"),
    "olmo2": ({}, "olmo2"),
    "olmo3": (dict(sliding_window=7), "olmo2"),
    "smollm3": ({}, "smollm3"),
    "granite": (
        dict(embedding_multiplier=5.0, attention_multiplier=0.2, residual_multiplier=0.4, logits_scaling=3.0),
        "granite"),
}
INTERLEAVED = {"llama", "mistral", "mixtral", "smollm3", "granite"}
# llama.cpp's names, by the last parts of transformers' names within a block.
PARTS = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "self_attn.qkv_proj": "attn_qkv", "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down", "mlp.gate_up_proj": "ffn_up", "mlp.gate": "ffn_gate_inp",
    "input_layernorm": "attn_norm",
}
NORMS = {"post_attention_layernorm": "ffn_norm"}
# Where norms stand behind the sublayers too, or there alone.
BOTH_NORMS = {
    "post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}
EXPERTS = {"gate_proj": "ffn_gate_exps", "up_proj": "ffn_up_exps", "down_proj": "ffn_down_exps",
           "w1": "ffn_gate_exps", "w3": "ffn_up_exps", "w2": "ffn_down_exps"}


def make(folder, settings, seed):
    os.makedirs(folder)
    with open(f"{folder}/config.json", "w") as file:
        json.dump(settings, file)
    torch.manual_seed(seed)
    config = AutoConfig.from_pretrained(folder)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            scale = 0.2 if parameter.dim() == 1 else 1.2 / math.sqrt(parameter.shape[-1])
            offset = 1.0 if "norm" in name and not settings["model_type"].startswith("gemma") else 0.0
            parameter.copy_(offset + scale * torch.randn_like(parameter))
    model.save_pretrained(folder)
    with open(f"{folder}/config.json", "w") as file:
        json.dump(settings, file)
    return config


def interleaved(tensor, heads):
    """The rows of a head's two halves by turns: llama.cpp rotates neighbours."""
    shape = tensor.shape
    return tensor.reshape(heads, 2, shape[0] // heads // 2, *shape[1:]).transpose(1, 2).reshape(shape)


def convert(folder, settings, config, architecture):
    family = settings["model_type"]
    gemma = family.startswith("gemma")
    writer = gguf.GGUFWriter(f"{folder}/model.gguf", architecture)
    write_settings(writer, settings, config, architecture)
    experts = {}
    for name, tensor in load_file(f"{folder}/model.safetensors").items():
        if name == "lm_head.weight":
            if not settings["tie_word_embeddings"]:
                writer.add_tensor("output.weight", tensor.numpy())
            continue
        parts = name.removeprefix("model.").split(".")
        if parts[0] == "embed_tokens":
            writer.add_tensor("token_embd.weight", tensor.numpy())
            continue
        if gemma and "norm" in name:
            tensor = tensor + 1
        if parts[0] == "norm":
            writer.add_tensor("output_norm.weight", tensor.numpy())
            continue
        block, kind = f"blk.{parts[1]}", ".".join(parts[2:-1])
        if "experts" in parts:
            where = parts.index("experts") + 1
            key = f"{block}.{EXPERTS[parts[where + 1]]}.weight"
            experts.setdefault(key, {})[int(parts[where])] = tensor
            continue
        kind = kind.replace("block_sparse_moe", "mlp")
        norms = BOTH_NORMS if gemma and family != "gemma" or "olmo" in family else NORMS
        target = norms.get(kind) or PARTS[kind]
        if family in INTERLEAVED and target in ("attn_q", "attn_k"):
            tensor = interleaved(tensor, HEADS if target == "attn_q" else KEYS)
        writer.add_tensor(f"{block}.{target}.{parts[-1]}", tensor.contiguous().numpy())
    for key, parts in experts.items():
        writer.add_tensor(key, torch.stack([parts[index] for index in sorted(parts)]).numpy())
    write_factors(writer, settings)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_settings(writer, settings, config, architecture):
    writer.add_name("small")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEYS)
    head = getattr(config, "head_dim", None) or config.hidden_size // HEADS
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_rope_dimension_count(head)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(VOCABULARY)
    writer.add_file_type(0)
    rope = config.rope_parameters
    rope = rope.get("full_attention", rope)
    writer.add_rope_freq_base(rope["rope_theta"])
    if rope["rope_type"] == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])
    # llama.cpp's own conversion of OLMo 3 writes the window, of Mistral it does not.
    if settings.get("sliding_window"):
        writer.add_sliding_window(config.sliding_window)
    if architecture == "gemma2":
        writer.add_attn_logit_softcapping(config.attn_logit_softcapping)
        writer.add_final_logit_softcapping(config.final_logit_softcapping)
    if architecture == "granite":
        writer.add_attention_scale(config.attention_multiplier)
        writer.add_embedding_scale(config.embedding_multiplier)
        writer.add_residual_scale(config.residual_multiplier)
        writer.add_logit_scale(config.logits_scaling)
    count = settings.get("num_local_experts") or settings.get("num_experts")
    if count:
        writer.add_expert_count(count)
        writer.add_expert_used_count(config.num_experts_per_tok)
        if "moe_intermediate_size" in settings:
            writer.add_expert_feed_forward_length(config.moe_intermediate_size)
    if architecture == "phi3":
        original = settings["original_max_position_embeddings"]
        writer.add_rope_scaling_orig_ctx_len(original)
        if rope["rope_type"] == "longrope":
            factor = math.sqrt(1 + math.log(config.max_position_embeddings / original) / math.log(original))
            writer.add_rope_scaling_attn_factors(factor)
    tokens = [b"<unk>", b"<s>", b"</s>", b"<0x0A>"]
    types = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL, gguf.TokenType.BYTE]
    while len(tokens) < VOCABULARY:
        tokens.append(f"t{len(tokens)}.".encode())
        types.append(gguf.TokenType.NORMAL)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * VOCABULARY)
    writer.add_token_types(types)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(False)


def write_factors(writer, settings):
    """What each frequency is divided by, as tensors."""
    scaling = settings.get("rope_scaling") or {}
    if scaling.get("type") == "longrope":
        for length in ("long", "short"):
            writer.add_tensor(
                f"rope_factors_{length}.weight", numpy.array(scaling[f"{length}_factor"], numpy.float32))
    if scaling.get("rope_type") == "llama3":
        factors = []
        for index in range(HEAD_DIM // 2):
            wavelength = 2 * math.pi * settings["rope_theta"] ** (2 * index / HEAD_DIM)
            turns = scaling["original_max_position_embeddings"] / wavelength
            slow, fast = scaling["low_freq_factor"], scaling["high_freq_factor"]
            kept = min(1, max(0, (turns - slow) / (fast - slow)))
            factors.append(1 / ((1 - kept) / scaling["factor"] + kept))
        writer.add_tensor("rope_freqs.weight", numpy.array(factors, numpy.float32))


for number, (name, (settings, architecture)) in enumerate(MODELS.items()):
    settings = dict(BASE, **dict(dict(model_type=name.split("-")[0]), **settings))
    folder = f"{OUT}/{name}"
    convert(folder, settings, make(folder, settings, number), architecture)
