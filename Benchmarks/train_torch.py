"""The peer of training_steps.py: the same training in PyTorch and PEFT, in float32 or under bfloat16 autocast.

    python3 Benchmarks/train_torch.py MODEL DATA METHOD STEPS BATCH RANK THREADS float32|bfloat16

prints each step's loss. Weights are float32 in either. Batches are padded to their longest sequence and the loss is the mean over
the assistant's tokens, as a Hugging Face trainer does it.
"""

import json
import sys

import torch
import transformers

model_path, data_path, method = sys.argv[1:4]
steps, batch_size, rank, threads = map(int, sys.argv[4:8])
autocast = torch.autocast("cpu", torch.bfloat16, enabled=sys.argv[8] == "bfloat16")
torch.set_num_threads(threads)
torch.manual_seed(0)
tokenizer = transformers.AutoTokenizer.from_pretrained(model_path)
model = transformers.AutoModelForCausalLM.from_pretrained(model_path, dtype=torch.float32)
if hasattr(model.model.embed_tokens, "embed_scale"):
    # Gemma's, as the published models were trained.
    model.model.embed_tokens.embed_scale.copy_(model.model.embed_tokens.embed_scale.bfloat16().float())
if method == "lora":
    import peft

    layers = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    model = peft.get_peft_model(
        model, peft.LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=layers, task_type="CAUSAL_LM")
    )
model.train()


def encode(messages):
    prompt = tokenizer.apply_chat_template(messages[:-1], tokenize=False, add_generation_prompt=True)
    prompt = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    # The line end that the template writes behind the mark is no part of the reply.
    reply = tokenizer(messages[-1]["content"] + "<|im_end|>", add_special_tokens=False)["input_ids"]
    return prompt + reply, [-100] * len(prompt) + reply


examples = [encode(json.loads(line)["messages"]) for line in open(data_path)]
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=5e-5, weight_decay=0)
for step in range(steps):
    batch = [examples[(step * batch_size + i) % len(examples)] for i in range(batch_size)]
    longest = max(len(ids) for ids, _ in batch)
    ids = torch.tensor([ids + [0] * (longest - len(ids)) for ids, _ in batch])
    labels = torch.tensor([labels + [-100] * (longest - len(labels)) for _, labels in batch])
    mask = torch.tensor([[1] * len(ids) + [0] * (longest - len(ids)) for ids, _ in batch])
    with autocast:
        loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
    optimizer.step()
    optimizer.zero_grad()
    print(f"{loss.item():.6f}", flush=True)
