"""Memory of a CPU that is kept for the next step, not given back to the system in between."""

import ctypes
import os
import platform

import torch

SWITCH = "SNL_VIDEO_KEEP_MEMORY"
"""Environment variable; 0 leaves the C library as it is."""
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's malloc.h


def keep_freed_memory(device: torch.device) -> bool:
    """Let the C library keep what is freed, and return whether it does so now.

    glibc asks the system for every large block by itself and gives it back when it is freed; the
    system clears all its pages before it is used again. A network on a CPU frees and asks for
    large blocks in every layer of every step. The numbers are the same, and the process holds the
    most memory that it ever needed until it ends.

    Nothing happens on a GPU, with another C library, and where `SWITCH` is 0.

    Args:
        device: where the network runs.
    """
    if device.type != "cpu" or platform.libc_ver()[0] != "glibc" or os.environ.get(SWITCH) == "0":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(M_MMAP_MAX, 0) and mallopt(M_TRIM_THRESHOLD, -1))
