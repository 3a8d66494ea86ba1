"""Small random models of every family, with settings that published files have and with rare ones, and what
transformers computes with them.

    families.py FOLDER

Each model's folder gets a golden.json: ids, logits of some rows, the loss of the ids from `loss_from` on, every
gradient's norm and some of its elements, and greedy ids with the smallest margin between the best two.
"""
import json
import math
import os
import sys

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

torch.set_num_threads(1)

OUT = sys.argv[1]
ONLY = sys.argv[2:]
ROWS = [0, 1, 11, 23, 31, 43]
PROMPT, NEW, LOSS_FROM = 20, 12, 20

BASE = dict(
    vocab_size=96, hidden_size=48, intermediate_size=56, num_hidden_layers=4, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=256, tie_word_embeddings=False, dtype="bfloat16",
    bos_token_id=1, eos_token_id=None, pad_token_id=0)
LONG = dict(long_factor=[1.0, 1.5, 2.5, 4.0, 6.0, 9.0], short_factor=[1.0, 1.05, 1.1, 1.2, 1.3, 1.4])
LLAMA3 = dict(factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64)


def family(model_type, **changes):
    settings = dict(BASE, model_type=model_type, **{k: v for k, v in changes.items()})
    return {k: v for k, v in settings.items() if v != "omitted"}


GEMMA = dict(head_dim=16, tie_word_embeddings="omitted")
MOE = dict(num_local_experts=4, num_experts_per_tok=2)
QMOE = dict(num_experts=6, num_experts_per_tok=3, moe_intermediate_size=24, head_dim=16)

CASES = {
    "llama-plain": family("llama"),
    "llama-biases": family("llama", attention_bias=True, mlp_bias=True, head_dim=20),
    "llama-biases-denied": (family("llama", attention_bias=False), ["stray-biases"]),
    "llama-swish": family("llama", hidden_act="swish"),
    "llama-gelu": family("llama", hidden_act="gelu"),
    "llama-gelu-tanh": family("llama", hidden_act="gelu_pytorch_tanh"),
    "llama-gelu-new": family("llama", hidden_act="gelu_new"),
    "llama-tied": family("llama", tie_word_embeddings=True),
    "llama-head-alone": (family("llama", tie_word_embeddings=True), ["head-alone"]),
    "llama-tied-twice": (family("llama", tie_word_embeddings=True), ["head-copied"]),
    "llama-tied-but-different": (family("llama", tie_word_embeddings=True), ["head-differs"]),
    "llama-unprefixed": (family("llama", tie_word_embeddings=True), ["unprefixed"]),
    "llama-linear-old": family("llama", rope_theta=5000.0, rope_scaling=dict(type="linear", factor=4.0)),
    "llama-linear-new": family(
        "llama", rope_parameters=dict(rope_theta=5000.0, rope_type="linear", factor=4.0)),
    "llama-llama3-old": family("llama", rope_theta=5e5, rope_scaling=dict(rope_type="llama3", **LLAMA3)),
    "llama-llama3-top": family(
        "llama", rope_theta=5e5, rope_scaling=dict(rope_type="llama3", **LLAMA3),
        original_max_position_embeddings=32),
    "llama-dynamic-short": family("llama", rope_scaling=dict(type="dynamic", factor=2.0)),
    "llama-dynamic-long": family(
        "llama", max_position_embeddings=32, rope_scaling=dict(type="dynamic", factor=3.0)),
    "llama-dynamic-new": family(
        "llama", max_position_embeddings=24,
        rope_parameters=dict(rope_theta=9000.0, rope_type="dynamic", factor=2.0)),
    "llama-yarn-old": family("llama", rope_scaling=dict(
        type="yarn", factor=4.0, original_max_position_embeddings=32)),
    "llama-yarn-rare": family("llama", rope_parameters=dict(
        rope_theta=1e4, rope_type="yarn", factor=8.0, original_max_position_embeddings=32, beta_fast=16,
        beta_slow=2, mscale=1.2, mscale_all_dim=0.8, truncate=False)),
    "llama-yarn-attention": family("llama", rope_parameters=dict(
        rope_theta=1e4, rope_type="yarn", factor=4.0, attention_factor=1.3)),
    "llama-longrope": family("llama", rope_parameters=dict(
        rope_theta=1e4, rope_type="longrope", original_max_position_embeddings=32, factor=4.0, **LONG)),
    "llama-longrope-short": family("llama", rope_parameters=dict(
        rope_theta=1e4, rope_type="longrope", original_max_position_embeddings=64, attention_factor=1.1,
        **LONG)),
    "llama-omitted": family(
        "llama", num_key_value_heads="omitted", max_position_embeddings="omitted", dtype="omitted",
        tie_word_embeddings="omitted"),
    "llama-both-scalings": family(
        "llama", rope_scaling=dict(rope_type="linear", factor=3.0),
        rope_parameters=dict(rope_theta=2000.0, rope_type="default")),
    "mistral-window": family("mistral", sliding_window=9, head_dim=20),
    "mistral-null": family("mistral", sliding_window=None, head_dim=None),
    "mistral-omitted": family("mistral", num_attention_heads=8, num_key_value_heads="omitted"),
    "qwen2-plain": family("qwen2", attention_bias=False),
    "qwen2-window": family("qwen2", use_sliding_window=True, sliding_window=6, max_window_layers=1),
    "qwen2-window-unused": family("qwen2", sliding_window=6, max_window_layers=1),
    "qwen2-layer-types": family(
        "qwen2", use_sliding_window=True, sliding_window=6,
        layer_types=["sliding_attention", "full_attention"] * 2),
    "qwen2-yarn": family("qwen2", rope_theta=1e6, rope_scaling=dict(
        rope_type="yarn", factor=4.0, original_max_position_embeddings=64)),
    "qwen3-plain": family("qwen3", head_dim="omitted", tie_word_embeddings=True),
    "qwen3-bias": family("qwen3", head_dim=16, attention_bias=True),
    "qwen3-window": family(
        "qwen3", head_dim=16, use_sliding_window=True, sliding_window=5, max_window_layers=2),
    "gemma-old": family("gemma", hidden_act="gelu", **GEMMA),
    "gemma-new": family("gemma", hidden_act="gelu_pytorch_tanh", hidden_activation="silu", **GEMMA),
    "gemma-float": family("gemma", **dict(GEMMA, dtype="float32")),
    "gemma2-plain": family("gemma2", **GEMMA),
    "gemma2-rare": family(
        "gemma2", sliding_window=5, attn_logit_softcapping=None, final_logit_softcapping=3.0,
        query_pre_attn_scalar=10, hidden_activation="gelu", hidden_act="silu", **GEMMA),
    "gemma2-types": family(
        "gemma2", sliding_window=5, attn_logit_softcapping=2.0, final_logit_softcapping=None,
        layer_types=["full_attention"] * 2 + ["sliding_attention"] * 2, attention_bias=True, **GEMMA),
    "gemma2-untied": family("gemma2", **dict(GEMMA, tie_word_embeddings=False)),
    "gemma3-old": family(
        "gemma3_text", sliding_window=6, sliding_window_pattern=2, rope_theta=5e5,
        rope_local_base_freq=8000.0, rope_scaling=dict(rope_type="linear", factor=8.0), **GEMMA),
    "gemma3-type-spelling": family(
        "gemma3_text", sliding_window=6, rope_scaling=dict(type="linear", factor=8.0), **GEMMA),
    "gemma3-new": family(
        "gemma3_text", sliding_window=6, layer_types=["sliding_attention", "full_attention"] * 2,
        rope_parameters=dict(
            full_attention=dict(rope_type="linear", factor=4.0, rope_theta=1e5),
            sliding_attention=dict(rope_type="default", rope_theta=5000.0)),
        attn_logit_softcapping=3.0, final_logit_softcapping=2.0, query_pre_attn_scalar=12, **GEMMA),
    "gemma3-half": family(
        "gemma3_text", sliding_window=6, sliding_window_pattern=3,
        rope_parameters=dict(full_attention=dict(rope_type="default")), **GEMMA),
    "gemma3-seeing": dict(
        model_type="gemma3", dtype="bfloat16", eos_token_id=None,
        text_config={
            k: v for k, v in family(
                "gemma3_text", sliding_window=6, num_attention_heads="omitted",
                num_key_value_heads="omitted", hidden_size=64, dtype="omitted",
                **dict(GEMMA, head_dim=16)).items()},
        vision_config=dict(
            model_type="siglip_vision_model", hidden_size=16, intermediate_size=16,
            num_hidden_layers=1, num_attention_heads=2, image_size=28, patch_size=14),
        mm_tokens_per_image=4),
    "phi3-plain": family("phi3", original_max_position_embeddings=256),
    "phi3-partial": family("phi3", partial_rotary_factor=0.5, sliding_window=7, tie_word_embeddings=True),
    "phi3-longrope": family(
        "phi3", original_max_position_embeddings=32, rope_scaling=dict(type="longrope", **LONG)),
    "phi3-partial-longrope": family(
        "phi3", original_max_position_embeddings=32, partial_rotary_factor=0.75, num_attention_heads=3,
        num_key_value_heads=1, rope_scaling=dict(type="longrope", **LONG)),
    "phi3-original-omitted": family(
        "phi3", max_position_embeddings=131072, rope_scaling=dict(type="longrope", **LONG)),
    "olmo2-plain": family("olmo2"),
    "olmo2-bias": family("olmo2", attention_bias=True, rope_theta=5e5, num_key_value_heads="omitted"),
    "olmo3-plain": family("olmo3", sliding_window=6),
    "olmo3-old": family(
        "olmo3", sliding_window=6, rope_theta=2e4, num_key_value_heads="omitted", rope_scaling=dict(
            rope_type="yarn", factor=4.0, original_max_position_embeddings=32, beta_fast=32, beta_slow=1)),
    "olmo3-new": family(
        "olmo3", sliding_window=6, layer_types=["sliding_attention", "full_attention"] * 2,
        rope_parameters=dict(
            full_attention=dict(
                rope_type="yarn", factor=4.0, rope_theta=1e5, original_max_position_embeddings=32),
            sliding_attention=dict(rope_type="default", rope_theta=5000.0))),
    "smollm3-plain": family("smollm3", tie_word_embeddings="omitted"),
    "smollm3-window": family(
        "smollm3", use_sliding_window=True, sliding_window=5, no_rope_layer_interval=2,
        attention_bias=True, mlp_bias=True),
    "smollm3-list": family(
        "smollm3", no_rope_layers=[0, 1, 1, 0], num_key_value_heads="omitted",
        rope_parameters=dict(rope_theta=1e6, rope_type="default")),
    "granite-plain": family(
        "granite", embedding_multiplier=5.0, attention_multiplier=0.2, residual_multiplier=0.4,
        logits_scaling=3.0),
    "granite-defaults": family("granite", mlp_bias=True, attention_bias=True),
    "mixtral-old": family("mixtral", head_dim="omitted", **MOE),
    "mixtral-stacked": (family("mixtral", head_dim=None, sliding_window=7, **MOE), ["stacked"]),
    "mixtral-one": family("mixtral", num_local_experts=3, num_experts_per_tok=1, hidden_act="gelu"),
    "qwen3moe-old": family("qwen3_moe", norm_topk_prob=True, **QMOE),
    "qwen3moe-stacked": (family("qwen3_moe", attention_bias=True, **QMOE), ["stacked"]),
    "qwen3moe-mixed": family(
        "qwen3_moe", norm_topk_prob=True, decoder_sparse_step=2, mlp_only_layers=[3],
        use_sliding_window=True, sliding_window=6, max_window_layers=2, tie_word_embeddings=True, **QMOE),
    "llama-nulls": family(
        "llama", num_key_value_heads=None, head_dim=None, rope_scaling=None, rope_parameters=None),
    "llama-default-rope": family("llama", rope_theta=7000, rope_scaling=dict(rope_type="default")),
    "llama-llama3-new": family("llama", rope_parameters=dict(rope_theta=5e5, rope_type="llama3", **LLAMA3)),
    "llama-theta-twice": family(
        "llama", rope_theta=3000.0, rope_parameters=dict(rope_theta=8000.0, rope_type="linear", factor=2.0)),
    "llama-theta-outside": family(
        "llama", rope_theta=3000.0, rope_parameters=dict(rope_type="linear", factor=2.0)),
    "llama-yarn-mscale": family("llama", rope_scaling=dict(
        rope_type="yarn", factor=4.0, original_max_position_embeddings=32, mscale=0.7)),
    "llama-yarn-zero": family("llama", rope_scaling=dict(
        rope_type="yarn", factor=4.0, original_max_position_embeddings=32, mscale=0, mscale_all_dim=0)),
    "llama-yarn-implied": family("llama", max_position_embeddings=64, rope_scaling=dict(type="yarn", factor=2.0)),
    "mistral-yarn": family("mistral", sliding_window=11, rope_scaling=dict(
        rope_type="yarn", factor=16.0, original_max_position_embeddings=32, beta_fast=32.0, beta_slow=1.0)),
    "mistral-tied": family("mistral", sliding_window=None, tie_word_embeddings=True, hidden_act="gelu"),
    "qwen2-window-layers-omitted": family("qwen2", use_sliding_window=True, sliding_window=6),
    "qwen2-dynamic": family("qwen2", max_position_embeddings=32, rope_scaling=dict(type="dynamic", factor=2.0)),
    "qwen2-old-types": family("qwen2", use_sliding_window=False, layer_types=["full_attention"] * 4),
    "qwen3-all-windows": family(
        "qwen3", head_dim=16, use_sliding_window=True, sliding_window=5, max_window_layers=0),
    "qwen3-types": family(
        "qwen3", head_dim=20, use_sliding_window=True, sliding_window=5,
        layer_types=["full_attention", "sliding_attention"] * 2, rope_theta=1e6),
    "qwen3-yarn": family("qwen3", head_dim=16, rope_parameters=dict(
        rope_theta=1e6, rope_type="yarn", factor=4.0, original_max_position_embeddings=32)),
    "gemma-spelled-before": family("gemma", torch_dtype="bfloat16", **dict(GEMMA, dtype="omitted")),
    "gemma-type-omitted": family("gemma", **dict(GEMMA, dtype="omitted")),
    "gemma-untied-bias": family("gemma", attention_bias=True, **dict(GEMMA, tie_word_embeddings=False)),
    "gemma2-defaults": family("gemma2", num_key_value_heads=1, **dict(GEMMA, head_dim="omitted")),
    "gemma2-linear": family("gemma2", rope_scaling=dict(rope_type="linear", factor=2.0), **GEMMA),
    "gemma3-defaults": family(
        "gemma3_text", num_hidden_layers=7, num_key_value_heads=1, **dict(GEMMA, head_dim="omitted")),
    "gemma3-bias": family(
        "gemma3_text", sliding_window=5, sliding_window_pattern=1, attention_bias=True, **GEMMA),
    "gemma3-nulls": family(
        "gemma3_text", sliding_window=6, attn_logit_softcapping=None, final_logit_softcapping=None,
        rope_scaling=None, **GEMMA),
    "phi3-new-partial": family("phi3", original_max_position_embeddings=32, rope_parameters=dict(
        rope_theta=1e4, rope_type="longrope", partial_rotary_factor=0.5, long_factor=[1.0, 2.0, 4.0],
        short_factor=[1.0, 1.1, 1.2])),
    "phi3-window-wide": family("phi3", sliding_window=262144, num_key_value_heads="omitted"),
    "olmo2-yarn": family("olmo2", rope_scaling=dict(
        rope_type="yarn", factor=2.0, original_max_position_embeddings=32), tie_word_embeddings=True),
    "olmo3-one-window": family("olmo3", sliding_window=6, layer_types=["sliding_attention"] * 4),
    "olmo3-all-full": family("olmo3", layer_types=["full_attention"] * 4, rope_scaling=dict(
        rope_type="linear", factor=2.0)),
    "smollm3-types": family(
        "smollm3", use_sliding_window=True, sliding_window=5, no_rope_layers=[1, 1, 0, 1],
        layer_types=["full_attention", "sliding_attention"] * 2),
    "smollm3-yarn": family("smollm3", rope_scaling=dict(
        rope_type="yarn", factor=2.0, original_max_position_embeddings=32)),
    "granite-linear": family(
        "granite", rope_scaling=dict(type="linear", factor=2.0), logits_scaling=8.0, tie_word_embeddings=True),
    "mixtral-jitter": family(
        "mixtral", router_jitter_noise=0.1, output_router_logits=True, router_aux_loss_coef=0.3, **MOE),
    "mixtral-tied": family(
        "mixtral", tie_word_embeddings=True, num_attention_heads=8, num_key_value_heads="omitted", **MOE),
    "qwen3moe-dense-only": family("qwen3_moe", mlp_only_layers=[0, 1, 2, 3], **QMOE),
    "qwen3moe-all-chosen": family(
        "qwen3_moe", decoder_sparse_step=1, **dict(QMOE, num_experts_per_tok=6, num_experts=6)),
    "qwen3moe-omitted": family("qwen3_moe", norm_topk_prob=False, **dict(QMOE, head_dim="omitted")),
}


def write_model(folder, settings, changes, seed):
    os.makedirs(folder)
    with open(f"{folder}/config.json", "w") as file:
        json.dump(settings, file)
    from transformers import AutoConfig

    torch.manual_seed(seed)
    config = AutoConfig.from_pretrained(folder)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            scale = 0.3 if parameter.dim() == 1 else 1.4 / math.sqrt(parameter.shape[-1])
            offset = 1.0 if "norm" in name and not settings["model_type"].startswith("gemma") else 0.0
            parameter.copy_((offset + scale * torch.randn_like(parameter)).bfloat16().float())
    model = model.to(torch.bfloat16)
    if "stacked" in changes:
        state = {k: v.contiguous() for k, v in model.state_dict().items()}
        if settings.get("tie_word_embeddings"):
            state.pop("lm_head.weight", None)
        save_file(state, f"{folder}/model.safetensors", metadata={"format": "pt"})
    else:
        model.save_pretrained(folder)
    for name in os.listdir(folder):
        if name not in ("model.safetensors",):
            os.remove(f"{folder}/{name}")
    path = f"{folder}/model.safetensors"
    state = load_file(path)
    if "head-alone" in changes:
        state["lm_head.weight"] = state.pop("model.embed_tokens.weight")
    if "head-copied" in changes:
        state["lm_head.weight"] = state["model.embed_tokens.weight"].clone()
    if "head-differs" in changes:
        state["lm_head.weight"] = (state["model.embed_tokens.weight"].float().roll(1, 0)).bfloat16()
    if "unprefixed" in changes:
        state = {k.removeprefix("model."): v for k, v in state.items()}
    if "stray-biases" in changes:
        for name in [k for k in state if k.endswith("_proj.weight")]:
            state[name.replace(".weight", ".bias")] = torch.ones(state[name].shape[0]).bfloat16()
    save_file(state, path, metadata={"format": "pt"})
    with open(f"{folder}/config.json", "w") as file:
        json.dump(settings, file)


def golden(folder, settings):
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager")
    model.eval()
    text = getattr(model.model, "language_model", model.model)
    declared = settings.get("dtype") or "bfloat16"
    if hasattr(text.embed_tokens, "embed_scale") and declared == "bfloat16":
        # As the published models were trained.
        scale = text.embed_tokens.embed_scale
        scale.copy_(scale.bfloat16().float())
    torch.manual_seed(7)
    ids = torch.randint(3, 96, (1, 44))
    output = model(input_ids=ids, use_cache=False)
    logits = output.logits[0]
    targets = ids[0, LOSS_FROM:]
    loss = torch.nn.functional.cross_entropy(logits[LOSS_FROM - 1:-1], targets)
    loss.backward()
    gradients = {}
    for name, parameter in model.named_parameters():
        if parameter.grad is None or "vision" in name or "multi_modal" in name:
            continue
        flat = parameter.grad.flatten()
        step = max(1, flat.numel() // 16)
        gradients[name] = dict(norm=flat.double().norm().item(), sample=flat[::step][:16].tolist())
    tokens, margins = ids[:, :PROMPT], []
    with torch.no_grad():
        out = model(input_ids=tokens, use_cache=True)
        greedy = []
        for _ in range(NEW):
            last = out.logits[0, -1]
            best = last.topk(2).values
            margins.append((best[0] - best[1]).item())
            greedy.append(last.argmax().item())
            cache = getattr(out, "cache", None)
            if cache is None:
                cache = out.past_key_values
            out = model(input_ids=torch.tensor([[greedy[-1]]]), cache=cache, use_cache=True)
    with open(f"{folder}/golden.json", "w") as file:
        json.dump(
            dict(
                ids=ids[0].tolist(), loss_from=LOSS_FROM, loss=loss.item(),
                logits={str(row): logits[row].tolist() for row in ROWS},
                greedy=dict(prompt=PROMPT, ids=greedy, smallest_margin=min(margins)),
                gradients=gradients), file)


for number, (name, case) in enumerate(CASES.items()):
    if ONLY and name not in ONLY:
        continue
    settings, changes = case if isinstance(case, tuple) else (case, [])
    folder = os.path.join(OUT, name)
    write_model(folder, settings, changes, number)
    golden(folder, settings)
