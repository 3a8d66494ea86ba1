"""Writes a GGUF file again with its f16 tensors as bf16, all else as it is.

    gguf_bfloat16.py FROM TO

For a model whose weights were bfloat16 before they became f16 it brings those back. Needs the package gguf.
"""

import argparse

import gguf
import numpy

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("source", metavar="FROM")
parser.add_argument("target", metavar="TO")
options = parser.parse_args()

BF16, F16 = gguf.GGMLQuantizationType.BF16, gguf.GGMLQuantizationType.F16
reader = gguf.GGUFReader(options.source)
writer = gguf.GGUFWriter(options.target, reader.fields["general.architecture"].contents())
for name, field in reader.fields.items():
    # The first are the file's head, which the writer makes; it has written the architecture too.
    if name.startswith("GGUF.") or name in ("general.architecture", "general.file_type"):
        continue
    if field.types[0] == gguf.GGUFValueType.ARRAY:
        writer.add_array(name, field.contents())
    else:
        writer.add_key_value(name, field.contents(), field.types[0])
writer.add_file_type(gguf.LlamaFileType.MOSTLY_BF16)
for tensor in reader.tensors:
    if tensor.tensor_type == F16:
        numbers = gguf.quants.quantize(tensor.data.astype(numpy.float32), BF16)
        writer.add_tensor(tensor.name, numbers, raw_dtype=BF16)
    else:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
