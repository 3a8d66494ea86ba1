"""untie_head.py PAIR OUT: PAIR's models with a head of their own, a copy of the embedding, as OUT/base,
OUT/aligned and OUT/aligned-f16.gguf."""

import json
import pathlib
import shutil
import sys

import gguf
from safetensors.torch import load_file, save_file

pair, out = map(pathlib.Path, sys.argv[1:])
for name in ["base", "aligned"]:
    shutil.copytree(pair / name, out / name, ignore=shutil.ignore_patterns("*.safetensors"))
    tensors = load_file(pair / name / "model.safetensors")
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].clone()
    save_file(tensors, out / name / "model.safetensors", {"format": "pt"})
    file = out / name / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"tie_word_embeddings": False}))

source = gguf.GGUFReader(pair / "aligned-f16.gguf")
writer = gguf.GGUFWriter(out / "aligned-f16.gguf", source.fields["general.architecture"].contents())
for field in source.fields.values():
    if field.name == "general.architecture" or field.name.startswith("GGUF."):
        continue
    item = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
    writer.add_key_value(field.name, field.contents(), field.types[0], sub_type=item)
tensors = [(tensor.name, tensor) for tensor in source.tensors]
tensors += [("output.weight", tensor) for name, tensor in tensors if name == "token_embd.weight"]
for name, tensor in tensors:
    writer.add_tensor_info(name, tensor.data.shape, tensor.data.dtype, tensor.data.nbytes, tensor.tensor_type)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_ti_data_to_file()
for _, tensor in tensors:
    writer.write_tensor_data(tensor.data)
writer.close()
