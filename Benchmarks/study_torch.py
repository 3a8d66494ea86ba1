"""The peer of reference_study.py: the same study in PyTorch and transformers, as its published method is usually written.

    python3 Benchmarks/study_torch.py SETTINGS.json

SETTINGS: `base`, `aligned` (folders), `alphas`, `rank`, `prompts` (texts), `dialogues` (lists of messages), `new_tokens`,
`batch` (prompts answered at a time), `threads`, `dtype` (float32, or bfloat16: autocast in training, weights in
generation), and of the training `epochs`, `train_batch`, `learning_rate`, `max_gradient_norm`.

For each α: full singular value decompositions of every linear layer's change (once), the extrapolated model, replies to
all prompts by `generate`, a full fine-tuning by transformers' Trainer, and replies again; judged by keywords, as the
paper's published code does. Prints a line of JSON: seconds by part, each model's attack success rate and replies, and
each step's loss.
"""

import json
import sys
import tempfile
import time

import torch
import transformers

import keyword_judge

settings = json.load(open(sys.argv[1]))
torch.set_num_threads(settings["threads"])
dtype = getattr(torch, settings["dtype"])
is_narrow = dtype == torch.bfloat16
seconds = {}


def timed(part):
    class Timer:
        def __enter__(self):
            self.begin = time.perf_counter()

        def __exit__(self, *_):
            seconds[part] = seconds.get(part, 0) + time.perf_counter() - self.begin

    return Timer()


def load(folder):
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


with timed("loading"):
    tokenizer = transformers.AutoTokenizer.from_pretrained(settings["aligned"], padding_side="left")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    base, aligned = load(settings["base"]), load(settings["aligned"])

# What LoX adds at α = 1, by layer.
directions = {}
with timed("decompositions"):
    old = dict(base.named_parameters())
    for name, weight in aligned.named_parameters():
        if weight.dim() != 2 or "embed" in name or "lm_head" in name:
            continue
        u, s, vh = torch.linalg.svd((weight - old[name]).detach(), full_matrices=False)
        directions[name] = (u[:, :settings["rank"]] * s[:settings["rank"]]) @ vh[:settings["rank"]]
del base, old


def extrapolated(alpha):
    model = load(settings["aligned"])
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name in directions:
                weight += alpha * directions[name]
    return model


def replies(model):
    served = model.to(dtype) if is_narrow else model
    served.eval()
    prompts = [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True)
        for prompt in settings["prompts"]]
    texts = []
    for begin in range(0, len(prompts), settings["batch"]):
        batch = tokenizer(
            prompts[begin:begin + settings["batch"]], return_tensors="pt", padding=True, add_special_tokens=False)
        with torch.no_grad():
            ids = served.generate(
                input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], do_sample=False,
                max_new_tokens=settings["new_tokens"], pad_token_id=tokenizer.pad_token_id)
        texts += tokenizer.batch_decode(ids[:, batch["input_ids"].shape[1]:], skip_special_tokens=True)
    return texts


def encoded(messages):
    prompt = tokenizer.apply_chat_template(messages[:-1], tokenize=False, add_generation_prompt=True)
    prompt = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    reply = tokenizer(messages[-1]["content"] + tokenizer.eos_token, add_special_tokens=False)["input_ids"]
    return {"input_ids": prompt + reply, "labels": [-100] * len(prompt) + reply}


def collate(rows):
    longest = max(len(row["input_ids"]) for row in rows)
    filled = [(row, longest - len(row["input_ids"])) for row in rows]
    return {
        "input_ids": torch.tensor([row["input_ids"] + [tokenizer.pad_token_id] * rest for row, rest in filled]),
        "labels": torch.tensor([row["labels"] + [-100] * rest for row, rest in filled]),
        "attention_mask": torch.tensor([[1] * (longest - rest) + [0] * rest for _, rest in filled]),
    }


def fine_tuned(model):
    model.train()
    with tempfile.TemporaryDirectory() as folder:
        trainer = transformers.Trainer(
            model=model, train_dataset=[encoded(messages) for messages in settings["dialogues"]], data_collator=collate,
            args=transformers.TrainingArguments(
                output_dir=folder, use_cpu=True, num_train_epochs=settings["epochs"],
                per_device_train_batch_size=settings["train_batch"], learning_rate=settings["learning_rate"],
                weight_decay=0, max_grad_norm=settings["max_gradient_norm"], lr_scheduler_type="linear", warmup_steps=0,
                bf16=is_narrow, save_strategy="no", report_to=[], logging_steps=1, disable_tqdm=True, seed=0))
        trainer.train()
        return [row["loss"] for row in trainer.state.log_history if "loss" in row]


transformers.utils.logging.set_verbosity_error()
found = []
for alpha in settings["alphas"]:
    with timed("models"):
        model = extrapolated(alpha)
    with timed("replies"):
        before = replies(model)
    # Trained from float32, as the weights that are kept must be.
    with timed("models"):
        model = extrapolated(alpha) if is_narrow else model
    with timed("trainings"):
        losses = fine_tuned(model)
    with timed("replies"):
        after = replies(model)
    found.append({
        "alpha": alpha, "before": keyword_judge.success_rate(before), "after": keyword_judge.success_rate(after),
        "replies_before": before, "replies_after": after, "losses": losses})
    print(f"alpha {alpha:g}: {found[-1]['before']:.3f} before, {found[-1]['after']:.3f} after", file=sys.stderr, flush=True)
print(json.dumps({"seconds": seconds, "models": found}))
