"""make_random_model.py SHAPE FOLDER: a model of random weights in bfloat16 with the widths of a published family and
its whole vocabulary: for measuring, not for talking to.

SHAPE is qwen3 (the widths of Qwen3-1.7B at 14 of its 28 layers, 151,936 words: 1.0 billion weights) or gemma3 (those
of Gemma 3 1B, 262,144 words: 1.0 billion). The tokenizer has byte pairs of datasets/training, and names without
meaning for the rest of the vocabulary; conversations are ChatML, and nothing ends a reply.
"""

import argparse
import json
import pathlib

import tokenizers
import torch
import transformers

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHAPES = {
    "qwen3": dict(
        model_type="qwen3", vocab_size=151_936, hidden_size=2048, intermediate_size=6144, num_hidden_layers=14,
        num_attention_heads=16, num_key_value_heads=8, head_dim=128, rope_theta=1e6, rms_norm_eps=1e-6,
        max_position_embeddings=4096, tie_word_embeddings=True),
    "gemma3": dict(
        model_type="gemma3_text", vocab_size=262_144, hidden_size=1152, intermediate_size=6912, num_hidden_layers=26,
        num_attention_heads=4, num_key_value_heads=1, head_dim=256, query_pre_attn_scalar=256, sliding_window=512,
        sliding_window_pattern=6, rope_theta=1e6, rope_local_base_freq=1e4, max_position_embeddings=4096),
}
MARKS = ["<|im_start|>", "<|im_end|>"]
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")


def texts():
    for path in sorted((ROOT / "datasets/training").glob("*.jsonl")):
        yield from path.read_text().splitlines()


def write_tokenizer(folder, size):
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    tokenizer.train_from_iterator(texts(), tokenizers.trainers.BpeTrainer(
        vocab_size=4000, special_tokens=MARKS, show_progress=False,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet()))
    settings = json.loads(tokenizer.to_str())
    vocabulary = settings["model"]["vocab"]
    for index in range(len(vocabulary), size):
        vocabulary[f"w{index}."] = index
    (folder / "tokenizer.json").write_text(json.dumps(settings))
    (folder / "tokenizer_config.json").write_text(json.dumps(
        dict(tokenizer_class="PreTrainedTokenizerFast", chat_template=CHATML, pad_token=MARKS[1])))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("folder", type=pathlib.Path)
    options = parser.parse_args()
    # A row of padding would be zeros, whose gradient through a hundred norms is beyond float32.
    settings = dict(SHAPES[options.shape], dtype="bfloat16", eos_token_id=None, bos_token_id=None, pad_token_id=None)
    options.folder.mkdir(parents=True)
    (options.folder / "config.json").write_text(json.dumps(settings, indent=2))
    torch.manual_seed(3)
    config = transformers.AutoConfig.from_pretrained(options.folder)
    # Its own initial weights: normal, of deviation 0.02, and norms of 1.
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.save_pretrained(options.folder)
    (options.folder / "generation_config.json").unlink(missing_ok=True)
    (options.folder / "config.json").write_text(json.dumps(settings, indent=2))
    write_tokenizer(options.folder, settings["vocab_size"])


if __name__ == "__main__":
    main()
