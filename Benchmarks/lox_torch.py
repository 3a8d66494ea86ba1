"""lox_torch.py BASE ALIGNED OUTPUT SINGULAR_VALUES: LoX by its formula in PyTorch, as a peer to measure.

Both models are loaded whole; every tensor of two dimensions or more gets a full singular value
decomposition of its difference; W + 1.25 * U_6 S_6 V_6^T is saved, and the leading singular values.
"""

import json
import sys

import torch
from safetensors.torch import load_file, save_file

base_folder, aligned_folder, output, values_file = sys.argv[1:]
rank, alpha = 6, 1.25
base = load_file(base_folder + "/model.safetensors")
aligned = load_file(aligned_folder + "/model.safetensors")
values = {}
for name, weight in aligned.items():
    if weight.dim() < 2:
        continue
    change = (weight - base[name]).float()
    u, s, vh = torch.linalg.svd(change, full_matrices=False)
    aligned[name] = weight + (alpha * (u[:, :rank] * s[:rank]) @ vh[:rank]).to(weight.dtype)
    values[name] = s[:rank].tolist()
save_file(aligned, output, metadata={"format": "pt"})
json.dump(values, open(values_file, "w"))
