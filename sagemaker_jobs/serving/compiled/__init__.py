"""Batches scored by the trees as machine code: LightGBM's bits, several times as fast.

Optional: where llvmlite is installed, a process of low priority compiles the model once a
container, after the port is open, tries the code beside LightGBM, and hands it to the workers,
which load no compiler. Until then, and whenever anything is off, LightGBM answers.
(docs/decisions/0013-compiled-trees.md)
"""
