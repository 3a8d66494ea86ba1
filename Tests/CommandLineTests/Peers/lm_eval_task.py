"""A multiple-choice task of lm-eval through the server and through its own `hf` model in float32:
lm_eval_task.py BASE_URL MODEL FOLDER."""

import json
import os
import sys
import tempfile

os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import lm_eval
from lm_eval.tasks import TaskManager

base, model, folder = sys.argv[1:]
QUESTIONS = [
    ("The capital of France is", ["Paris", "Rome", "Oslo"]),
    ("Water freezes at zero degrees", ["Celsius", "Volt", "Newton"]),
    ("Bees make", ["honey", "glass", "milk"]),
    ("The opposite of hot is", ["cold", "loud", "warm"]),
    ("Café naïve: two plus two equals", ["four", "seven", "nine"]),
    ("Fish breathe with", ["gills", "lungs", "ears"]),
]
TASK = """
task: local_choice
dataset_path: json
dataset_kwargs: {data_files: {test: DATA}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{question}}"
doc_to_choice: "{{choices}}"
doc_to_target: 0
metric_list: [{metric: acc}, {metric: acc_norm}]
num_fewshot: 0
"""

with tempfile.TemporaryDirectory() as place:
    data = os.path.join(place, "questions.json")
    with open(data, "w") as file:
        file.write("\n".join(json.dumps({"question": q, "choices": c}) for q, c in QUESTIONS))
    with open(os.path.join(place, "task.yaml"), "w") as file:
        file.write(TASK.replace("DATA", data))
    os.environ["HF_HOME"] = place
    results = [
        lm_eval.simple_evaluate(
            model=kind,
            model_args=arguments,
            tasks=["local_choice"],
            task_manager=TaskManager(include_path=place, include_defaults=False),
            batch_size=4,
            device="cpu",
            log_samples=True,
            bootstrap_iters=0,
        )
        for kind, arguments in [
            ("local-completions", f"model={model},base_url={base}/v1/completions,tokenizer={folder}"),
            ("hf", f"pretrained={folder},dtype=float32"),
        ]
    ]

for metric in ["acc,none", "acc_norm,none"]:
    ours, theirs = (result["results"]["local_choice"][metric] for result in results)
    assert ours == theirs, (metric, ours, theirs)
pairs = [
    (ours, theirs)
    for one, other in zip(*(result["samples"]["local_choice"] for result in results))
    for ours, theirs in zip(one["filtered_resps"], other["filtered_resps"])
]
assert len(pairs) == sum(len(choices) for _, choices in QUESTIONS)
for (ours, is_greedy), (theirs, should_be) in pairs:
    assert abs(ours - theirs) < 1e-3, (ours, theirs)
    assert is_greedy == should_be
print("lm-eval", lm_eval.__version__, "agrees on", len(pairs), "log-likelihoods")
