"""A network as one graph, from pixels to logits, which other runtimes can take."""

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from snl_video.models.network import VideoNetwork


class ClipProgram(nn.Module):
    """A network with its pixel statistics, and with the pathways of a SlowFast."""

    def __init__(self, network: VideoNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, clips: Tensor) -> Tensor:
        """Map uint8 RGB clips (V, 3, T, S, S) to logits (V, K)."""
        return self.network(self.network.normalise(clips))


def capture(network: VideoNetwork, num_frames: int, size: int) -> ExportedProgram:
    """Return the graph of a network: input `clips`, uint8 (V, 3, T, S, S) with any V.

    T is `num_frames` and S is `size`. Non-local blocks are captured in their low-rank form.
    """
    return _export(network, num_frames, size, free=(0,))


def capture_any_length(network: VideoNetwork, num_frames: int, size: int) -> ExportedProgram | None:
    """Return the same with any T, or None where T decides about the graph.

    A ResNet of one pathway takes any. SlowFast chooses the frames of its slow pathway by T, and
    Inception-I3D its padding. Whether it does is tried: clips of twice `num_frames` must give the
    logits of the network.
    """
    longer = torch.zeros(1, 3, 2 * num_frames, size, size, dtype=torch.uint8)
    try:
        program = _export(network, num_frames, size, free=(0, 2))
        with torch.inference_mode():
            found, expected = program.module()(longer), network(network.normalise(longer))
    except (RuntimeError, ValueError, AssertionError):  # what torch raises for guards that fail
        return None
    return program if torch.allclose(found, expected, rtol=1e-4, atol=1e-4) else None


def clips_shape(program: ExportedProgram) -> list[int]:
    """Return the shape of a graph's input, -1 where any size will do."""
    (clips,) = (n for n in program.graph.nodes if n.op == "placeholder" and n.name == "clips")
    return [size if isinstance(size, int) else -1 for size in clips.meta["val"].shape]


def _export(
    network: VideoNetwork, num_frames: int, size: int, free: tuple[int, ...]
) -> ExportedProgram:
    clips = torch.zeros(2, 3, num_frames, size, size, dtype=torch.uint8)
    shapes = {"clips": dict.fromkeys(free, Dim.DYNAMIC)}
    with torch.no_grad():
        return torch.export.export(ClipProgram(network).eval(), (clips,), dynamic_shapes=shapes)
