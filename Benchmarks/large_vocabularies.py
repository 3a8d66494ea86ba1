"""Models of a billion weights with vocabularies of 151,936 and 262,144 words, beside transformers and PEFT in float32.

For each model: new tokens a second of `loxeval serve` and of transformers' generate with the same prompts, other ones
in each round, four at a time and alone, greedily; and seconds a step of LoRA training of rank 16 on all linear layers,
the same batches of datasets/training/identity-shift.jsonl. Sides take turns; medians and peak memory are shown. Replies
and losses are compared too.

    python3 Benchmarks/large_vocabularies.py --folder FOLDER

makes the models in FOLDER where they are not (Benchmarks/make_random_model.py), and needs a release build and a Python
with torch, transformers and peft (LOXEVAL_PYTHON, or --python).
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import time

import measure
import training_steps
from servers import chat, start

ROOT = pathlib.Path(__file__).resolve().parent.parent
SLOTS, NEW_TOKENS = 4, 8
NAMES = {"qwen3": "Qwen3, 151,936 words", "gemma3": "Gemma 3, 262,144 words"}


def prompts(number, count):
    lines = (ROOT / "datasets/helpful-requests.jsonl").read_text().splitlines()
    return [json.loads(lines[(number * count + index) % len(lines)])["prompt"] for index in range(count)]


class Ours:
    def __init__(self, options, model):
        self.name = model.name
        self.process, self.base = start(
            [options.loxeval, "serve", "--model", model, "--slots", str(SLOTS), "-q"])

    def ask(self, texts):
        def one(text):
            return chat(self.base, {
                "model": self.name, "messages": [{"role": "user", "content": text}], "temperature": 0,
                "max_tokens": NEW_TOKENS})

        begin = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(SLOTS) as pool:
            replies = list(pool.map(one, texts))
        seconds = time.perf_counter() - begin
        tokens = sum(reply["usage"]["completion_tokens"] for reply in replies)
        return tokens / seconds, [reply["choices"][0]["message"]["content"] for reply in replies]


class Theirs:
    def __init__(self, options, model):
        command = [options.python, ROOT / "Benchmarks/generate_torch.py", model, NEW_TOKENS]
        self.process = subprocess.Popen(
            list(map(str, command + [len(os.sched_getaffinity(0))])), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if self.process.stdout.readline() != "ready\n":
            sys.exit("transformers ended before it was ready")

    def ask(self, texts):
        self.process.stdin.write(json.dumps(texts) + "\n")
        self.process.stdin.flush()
        found = json.loads(self.process.stdout.readline())
        return found["rate"], found["texts"]


def serving(options, shape, model):
    """Rows of the table, the samples, and how many replies were equal."""
    sides = {"loxeval": Ours(options, model), "transformers": Theirs(options, model)}
    replies = {}
    try:
        def side(name):
            def sample(number):
                together, replies[name, number] = sides[name].ask(prompts(number, SLOTS))
                alone, _ = sides[name].ask(prompts(number + 20, 1))
                return {
                    "together": together, "alone": alone,
                    "peak": measure.peak_of(sides[name].process.pid)}

            sides[name].ask(prompts(200, 1))
            return sample

        found = measure.in_turn({name: side(name) for name in sides}, options.rounds)
    finally:
        for side in sides.values():
            side.process.kill()
    rows = []
    ours, theirs = found.values()
    for key, words in [("together", f"{SLOTS} replies at a time"), ("alone", "one reply at a time")]:
        a, b = ours.median(key), theirs.median(key)
        rows.append([
            NAMES[shape], f"{words}, tokens a second", f"{a:.1f}", f"{b:.1f}", f"{a / b:.2f}",
            *memory(ours, theirs)])
    pairs = [
        (a, b) for number in range(options.rounds)
        for a, b in zip(replies["loxeval", number], replies["transformers", number], strict=True)]
    note = f"{NAMES[shape]}: {sum(a == b for a, b in pairs)} of {len(pairs)} replies are the same text"
    return rows, {f"{shape}, serving, {name}": values for name, values in found.items()}, note


def memory(ours, theirs):
    a, b = (values.largest("peak") / 2**30 for values in (ours, theirs))
    return [f"{a:.2f} GiB", f"{b:.2f} GiB", f"{a / b:.2f}"]


def training(options, shape, model):
    settings = argparse.Namespace(**dict(vars(options), model=model))
    losses = {}

    def step(side):
        def sample(_):
            few, _ = side(settings, "lora", 1)
            many, losses[side] = side(settings, "lora", 1 + options.steps)
            return {"seconds_a_step": (many["seconds"] - few["seconds"]) / options.steps, "peak": many["peak"]}

        return sample

    found = measure.in_turn(
        {"loxeval": step(training_steps.ours), "PEFT": step(training_steps.theirs)}, options.rounds)
    ours, theirs = found.values()
    a, b = ours.median("seconds_a_step"), theirs.median("seconds_a_step")
    row = [
        NAMES[shape], "LoRA training, seconds a step", f"{a:.2f}", f"{b:.2f}", f"{b / a:.2f}", *memory(ours, theirs)]
    first = abs(losses[training_steps.ours][0] - losses[training_steps.theirs][0])
    if first > 2e-3:
        sys.exit(f"the first losses differ by {first}: not the same batches")
    note = f"{NAMES[shape]}: the first step's losses differ by {first:.1e}"
    return [row], {f"{shape}, training, {name}": values for name, values in found.items()}, note


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loxeval", default=ROOT / ".build/release/loxeval")
    parser.add_argument("--folder", type=pathlib.Path, required=True, help="where the models are, or are made")
    parser.add_argument("--python", default=os.environ.get("LOXEVAL_PYTHON", sys.executable))
    parser.add_argument("--shape", choices=NAMES, action="append", help="only this one; may be repeated")
    parser.add_argument("--only", choices=["serving", "training"])
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--steps", type=int, default=1)
    measure.add_options(parser, rounds=3)
    options = parser.parse_args()
    for variable in ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"]:
        os.environ.pop(variable, None)

    rows, notes, measured = [], [], {}
    for shape in options.shape or NAMES:
        model = options.folder / shape
        if not (model / "tokenizer_config.json").exists():
            measure.run([options.python, ROOT / "Benchmarks/make_random_model.py", shape, model])
        for what in (serving, training):
            if options.only in (None, what.__name__):
                lines, found, note = what(options, shape, model)
                rows += lines
                notes.append(note)
                measured |= found
    measure.report(
        "large_vocabularies", options, [
            f"{NEW_TOKENS} new tokens a reply; training with batches of {options.batch}; medians of {options.rounds} "
            "rounds in turn",
            measure.table(
                ["model", "what", "loxeval", "transformers, float32", "ratio", "peak memory", "theirs", "share"], rows),
            *notes,
        ], measured)


if __name__ == "__main__":
    main()
