"""Finds where a program reads a number of a tensor, for which a GPU would have to be waited for."""

import traceback
from contextlib import ExitStack

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

READS = {
    "item", "tolist", "cpu", "numpy", "__bool__", "__int__", "__float__", "__index__",
    "is_nonzero", "nonzero", "unique", "masked_select", "equal", "allclose",
}  # fmt: skip
OPS = {
    "_local_scalar_dense", "is_nonzero", "nonzero", "masked_select", "equal", "_unique2",
    "repeat_interleave",
}  # fmt: skip
INDEXING = {"index", "index_put", "index_put_", "_index_put_impl_"}


class _Functions(TorchFunctionMode):
    def __init__(self, found):
        super().__init__()
        self.found = found

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if getattr(function, "__name__", "") in READS:
            self.found.append(_place(function.__name__))
        return function(*args, **(kwargs or {}))


class _Operators(TorchDispatchMode):
    def __init__(self, found):
        super().__init__()
        self.found = found

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.overloadpacket.__name__
        if name in OPS or (name in INDEXING and any(map(_is_mask, args[1]))):
            self.found.append(_place(name))
        return function(*args, **(kwargs or {}))


class HostWaits(ExitStack):
    """Within it, `found` gets one (operation, file, line) for each read."""

    def __init__(self):
        super().__init__()
        self.found = []

    def __enter__(self):
        super().__enter__()
        self.enter_context(_Functions(self.found))
        self.enter_context(_Operators(self.found))
        return self


def _is_mask(index):
    return index is not None and index.dtype == torch.bool


def _place(name):
    """The innermost line outside this file and outside torch's own wrappers."""
    frames = [f for f in traceback.extract_stack() if not f.filename.endswith("host_waits.py")]
    skipped = ("torch/utils/", "torch/overrides", "torch/_", "torch/nn/functional")
    kept = [f for f in frames if not any(part in f.filename for part in skipped)]
    return name, kept[-1].filename, kept[-1].lineno


def checked_elsewhere(place):
    """Reads that happen on a CPU only: of AdamW's count of steps, which stays there."""
    return "torch/optim" in place[1]


def ones_hot(label, classes):
    """`one_hot` without the check of the labels that torch makes on a CPU only."""
    return (label[:, None] == torch.arange(classes)).long()
