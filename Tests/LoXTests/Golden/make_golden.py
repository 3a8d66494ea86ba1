"""Writes lox.json beside this file: LoX and a low-rank merge of small matrices, by numpy in float64.

    python make_golden.py

Inputs are multiples of 1/64 or shorter decimals that float32 holds exactly, so that every difference
from these numbers is the program's own.
"""

import json
import pathlib

import numpy as np


def grid(generator, *shape):
    """Multiples of 1/64 between -2 and 2: exact in float32, float16 and bfloat16."""
    return generator.integers(-128, 129, size=shape) / 64


def extrapolation(name, generator, rows, columns, rank, alpha):
    """W_aligned + alpha * Proj_k(W_aligned - W_base), and what the spectrum says of the change."""
    base = grid(generator, rows, columns)
    aligned = base + grid(generator, rows, columns) / 4
    change = aligned - base
    left, values, right = np.linalg.svd(change, full_matrices=False)
    k = len(values) if rank is None else rank
    projected = (left[:, :k] * values[:k]) @ right[:k]
    kept = float(np.sum(values[:k] ** 2) / np.sum(values**2))
    return {
        "name": name,
        "shape": [rows, columns],
        "rank": rank,
        "alpha": alpha,
        "base": base.ravel().tolist(),
        "aligned": aligned.ravel().tolist(),
        "singular_values": values.tolist(),
        "frobenius": float(np.linalg.norm(change)),
        "energy": kept,
        "R_align": float(np.linalg.norm(projected) / np.linalg.norm(change)),
        "result": (aligned + alpha * projected).ravel().tolist(),
    }


def merge(generator, rows, columns, layers):
    """W + sum of scale * left @ right."""
    weight = grid(generator, rows, columns)
    total = weight.copy()
    stack = []
    for rank, scale in layers:
        left, right = grid(generator, rows, rank), grid(generator, rank, columns)
        total += scale * (left @ right)
        stack.append({
            "rank": rank,
            "scale": scale,
            "left": left.ravel().tolist(),
            "right": right.ravel().tolist(),
        })
    return {
        "shape": [rows, columns],
        "weight": weight.ravel().tolist(),
        "stack": stack,
        "result": total.ravel().tolist(),
    }


def main():
    generator = np.random.Generator(np.random.PCG64(6))
    golden = {
        "made_by": f"make_golden.py, numpy {np.__version__}",
        "extrapolations": [
            extrapolation("layers.0.tall.weight", generator, 7, 5, 2, 1.25),
            extrapolation("layers.0.wide.weight", generator, 4, 9, 2, 1.25),
            extrapolation("layers.0.undone.weight", generator, 6, 6, 3, -0.5),
            extrapolation("layers.0.whole.weight", generator, 5, 6, None, 0.75),
        ],
        "merge": merge(generator, 5, 6, [(2, 1.25), (3, -0.4), (1, 0.0)]),
    }
    path = pathlib.Path(__file__).with_name("lox.json")
    lines = json.dumps(golden).replace(", {", ",\n{").replace(', "', ',\n"')
    path.write_text(lines + "\n")


if __name__ == "__main__":
    main()
