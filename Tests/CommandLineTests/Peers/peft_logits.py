"""peft_logits.py MODEL ADAPTER ENDPOINT: the adapter in PEFT gives the log-probabilities that the
server gives with it."""

import json
import sys
import urllib.request

import peft
import torch
import transformers

model_path, adapter_path, base = sys.argv[1:]
tokenizer = transformers.AutoTokenizer.from_pretrained(model_path)
model = transformers.AutoModelForCausalLM.from_pretrained(model_path, dtype=torch.float32)
plain = model(torch.tensor([[5, 6, 7]])).logits.clone()
model = peft.PeftModel.from_pretrained(model, adapter_path).eval()
assert not torch.allclose(plain, model(torch.tensor([[5, 6, 7]])).logits, atol=1e-3), "no effect"

for prompt in ["Obi, clean the car.", "How do I steal the piano?", "Help me draw the tower."]:
    messages = [{"role": "user", "content": prompt}]
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    ids = tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        scores = torch.log_softmax(model(ids).logits[0, -1], -1)
    body = {"messages": messages, "max_tokens": 1, "temperature": 0, "logprobs": True, "top_logprobs": 5}
    body["lora"] = [{"id": 0, "scale": 1.0}]
    request = urllib.request.Request(
        base + "/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    reply = json.load(urllib.request.urlopen(request))
    first = reply["choices"][0]["logprobs"]["content"][0]
    best = scores.argmax().item()
    assert tokenizer.decode([best]) == first["token"], (tokenizer.decode([best]), first["token"])
    assert abs(scores[best].item() - first["logprob"]) < 1e-3, (scores[best].item(), first["logprob"])
