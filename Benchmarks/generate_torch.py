"""The peer of large_vocabularies.py's serving: the same requests in transformers, float32.

    python3 Benchmarks/generate_torch.py MODEL NEW_TOKENS THREADS

reads a JSON list of prompts from each line of its input, all of which it answers as one batch, greedily, and prints
the new tokens a second and each prompt's new ids.
"""

import json
import sys
import time

import torch
import transformers

path = sys.argv[1]
new, threads = map(int, sys.argv[2:4])
torch.set_num_threads(threads)
tokenizer = transformers.AutoTokenizer.from_pretrained(path, padding_side="left")
model = transformers.AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
model.eval()
if hasattr(model.model.embed_tokens, "embed_scale"):
    # As the published models were trained.
    scale = model.model.embed_tokens.embed_scale
    scale.copy_(scale.bfloat16().float())
print("ready", flush=True)
for line in sys.stdin:
    texts = [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True)
        for prompt in json.loads(line)]
    begin = time.perf_counter()
    batch = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
    ids = model.generate(
        input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], do_sample=False,
        max_new_tokens=new, min_new_tokens=new, pad_token_id=tokenizer.pad_token_id)
    seconds = time.perf_counter() - begin
    replies = ids[:, batch["input_ids"].shape[1]:].tolist()
    print(json.dumps({
        "rate": len(texts) * new / seconds,
        "texts": [tokenizer.decode(reply, skip_special_tokens=True) for reply in replies]}), flush=True)
