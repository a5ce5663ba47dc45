"""Pictures inside a page, as addresses that need no request."""

import base64
import io

import numpy as np
from matplotlib.image import imsave
from torch import Tensor


def confusion_image(confusion: Tensor) -> str:
    """Return a (K, K) matrix as a data URI: each row's shares as opacity, so any paper shows."""
    counts = confusion.double().numpy()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    pixels = np.empty((*shares.shape, 4))
    pixels[..., :3] = np.array([77, 137, 190]) / 255
    pixels[..., 3] = np.sqrt(shares)
    buffer = io.BytesIO()
    imsave(buffer, pixels, format="png")
    return data_uri(buffer.getvalue(), "image/png")


def data_uri(content: bytes, kind: str) -> str:
    """Return bytes as an address that needs no request."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
