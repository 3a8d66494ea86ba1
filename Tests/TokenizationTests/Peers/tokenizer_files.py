"""Small tokenizers of several kinds, and the ids that the tokenizers package gives for many strings.

    tokenizer_files.py FOLDER
"""
import base64
import io
import json
import os
import sys

from tokenizers import (
    AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers)

OUT = sys.argv[1]
CORPUS = [
    "The quick brown fox jumps over the lazy dog, and the dog does not mind at all.",
    "Le renard brun saute par-dessus le chien paresseux; l'été, il dort à l'ombre.",
    "Der schnelle braune Fuchs springt über den faulen Hund. Straße, Größe, Übung.",
    "素早い茶色の狐は怠け者の犬を飛び越える。ガギグゲゴ カキクケコ",
    "1234567890 3.14159 2.71828 100% $5.99 x = y + z; if (a != b) { return c; }",
    "안녕하세요 세계. Привет, мир! مرحبا بالعالم. שלום עולם.",
] * 30
STRINGS = [
    "", " ", "  ", "   a", "a   ", "\n", "\n\n a\tb", "Hello, world!", "The quick brown fox", "the  dog   does",
    "x", "é", "e\u0301", "ﬁne ﬂow", "ｶﾞｷﾞ ガギ", "①②③ ½ ™", "Straße ÜBUNG", "日本語テキスト", "안녕하세요", "안",
    "🙂", "👨‍👩‍👧‍👦 family", "a🙂b", "\u200b", "\u00a0nbsp", "a\u0300\u0301\u0302\u0303", "ÀÉÎÕÜ", "İstanbul",
    "ǅ", "℃ Ω Å", "１２３ ＡＢＣ", "…", "—–-", "“quotes” ‘single’", "\ufeffbom", "tab\tseparated", "CR\r\nLF",
    "<s>", "</s>", "a<s>b", "<mask>", " <mask> x", "<Extra>", "<extra>", "<EXTRA>", "pre<Extra>post", "ünïque tok",
    "UNIQUE TOK", "Ünïque Tok", "<pad><pad>", "123 456", "9" * 40, "aaaaaaaaaaaaaaaaaaaaaaaaaaaa", "zzz qqq xxx",
    "a b c d e f g", "▁already▁there", "mixed 日本 and العربية text", "\x00null", "क्षत्रिय", "ไทย", "Ｈｅｌｌｏ",
    "㍿ ㌔", "ﷺ", "straw-berry's", "don't can't I'll", "...!!!???", "(brackets) [more] {yet}", "a/b\\c|d",
]


def unigram(**model):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.train_from_iterator(CORPUS, trainers.UnigramTrainer(
        vocab_size=400, special_tokens=["<s>", "</s>", "<unk>", "<pad>"], unk_token="<unk>",
        show_progress=False))
    settings = json.loads(tokenizer.to_str())
    settings["model"].update(model)
    return settings


def tokens(settings, *added):
    tokenizer = Tokenizer.from_str(json.dumps(settings))
    for token in added:
        (tokenizer.add_special_tokens if token.special else tokenizer.add_tokens)([token])
    return json.loads(tokenizer.to_str())


def bytes_of(settings):
    vocabulary = settings["model"]["vocab"]
    least = min(score for _, score in vocabulary)
    vocabulary += [[f"<0x{byte:02X}>", least - 1.0] for byte in range(256)]
    settings["model"]["byte_fallback"] = True
    return settings


def byte_pairs(normalizer):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.train_from_iterator(
        CORPUS, trainers.BpeTrainer(vocab_size=400, special_tokens=["<unk>", "<s>"], show_progress=False))
    return json.loads(tokenizer.to_str())


EXTRA = [
    AddedToken("<Extra>", normalized=True), AddedToken("Ünïque Tok", normalized=True, single_word=False),
    AddedToken("<mask>", special=True, lstrip=True, normalized=False)]
LOWER = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
FILES = {
    "unigram": unigram(),
    "unigram-bytes": bytes_of(unigram()),
    "unigram-added": tokens(unigram(), *EXTRA),
    "unigram-never": dict(unigram(), pre_tokenizer=dict(
        type="Metaspace", replacement="▁", prepend_scheme="never", split=False)),
    "unigram-first": dict(unigram(), pre_tokenizer=dict(
        type="Metaspace", replacement="▁", prepend_scheme="first", split=True)),
    "unigram-lower": tokens(dict(unigram(), normalizer=dict(type="Sequence", normalizers=[
        dict(type="NFKC"), dict(type="Lowercase")])), *EXTRA),
    "bpe-lower": tokens(byte_pairs(LOWER), *EXTRA),
    "bpe-accents": tokens(byte_pairs(normalizers.Sequence([
        normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase()])), *EXTRA),
    "bpe-prepend": tokens(byte_pairs(normalizers.Sequence([
        normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])), *EXTRA),
    "bpe-replace": tokens(byte_pairs(normalizers.Replace(Regex("[Ee]"), "3")), *EXTRA),
}
try:
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2 as proto

    target = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS), model_writer=target, vocab_size=300, minloglevel=2,
        hard_vocab_limit=False)
    model = proto.ModelProto.FromString(target.getvalue())
    charsmap = base64.b64encode(model.normalizer_spec.precompiled_charsmap).decode()
    FILES["unigram-compiled"] = tokens(dict(unigram(), normalizer=dict(type="Sequence", normalizers=[
        dict(type="Precompiled", precompiled_charsmap=charsmap),
        dict(type="Replace", pattern=dict(Regex=" {2,}"), content=" ")])), *EXTRA)
except ImportError:
    pass

for name, settings in FILES.items():
    os.makedirs(f"{OUT}/{name}")
    with open(f"{OUT}/{name}/tokenizer.json", "w") as file:
        json.dump(settings, file)
    tokenizer = Tokenizer.from_file(f"{OUT}/{name}/tokenizer.json")
    cases = []
    for text in STRINGS + [" ".join(STRINGS[i:i + 5]) for i in range(0, len(STRINGS), 3)]:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        cases.append(dict(text=text, ids=ids, decoded=tokenizer.decode(ids, skip_special_tokens=False)))
    with open(f"{OUT}/{name}/cases.json", "w") as file:
        json.dump(cases, file)
