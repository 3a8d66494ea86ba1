"""trl_train.py MODEL DATA OUTPUT SEED: a LoRA by trl's SFTTrainer, as a command attack runs it.

On several GPUs the same script is started by accelerate: see "Trainers of your own" in the README.
"""

import sys

import datasets
import peft
import transformers
import trl

model, data, output, seed = sys.argv[1:]
trainer = trl.SFTTrainer(
    model=transformers.AutoModelForCausalLM.from_pretrained(model, dtype="float32"),
    args=trl.SFTConfig(
        output_dir=output + "-work", seed=int(seed), max_steps=3, per_device_train_batch_size=2,
        learning_rate=1e-3, report_to="none", save_strategy="no", use_cpu=True, bf16=False,
    ),
    train_dataset=datasets.load_dataset("json", data_files=data, split="train"),
    peft_config=peft.LoraConfig(
        r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"
    ),
)
trainer.train()
trainer.save_model(output)
