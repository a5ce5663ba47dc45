"""A network up to one of its places: clips in, features out."""

from typing import Any, NoReturn

from torch import Tensor, nn

from snl_video.blocks.pooling import Grid, coarsen
from snl_video.errors import NetworkError
from snl_video.models.network import VideoNetwork

HEAD = "head"
"""The place in front of the last layer, where features are one vector a clip."""


class FeatureTap(nn.Module):
    """Maps normalised pixels (B, 3, T, H, W) to the features at a place.

    Those are (B, C, T', H', W') after the module of a place, its block included, and (B, C) in
    front of the head: what the last layer gets, averaged over its positions. The network runs up
    to the place and no further.

    Args:
        network: from `build_network`.
        place: a place of it, a stage such as ``res4`` (its last place), or ``head``.
        average: window (T, H, W) over which features are averaged; one at the border may be
            smaller. None keeps every position.

    Raises:
        NetworkError: there is no such place, or ``head`` with an average.
    """

    def __init__(self, network: VideoNetwork, place: str, average: Grid | None = None) -> None:
        super().__init__()
        if place == HEAD and average is not None:
            raise NetworkError("features in front of the head have no positions to average over")
        self.network = network
        self.place = full_name(network, place)
        self.average = average

    @property
    def channels(self) -> int:
        """C of the features."""
        if self.place == HEAD:
            head = self._module()
            return int(head.weight.shape[1])  # type: ignore[index]
        return self.network.places[self.place].channels

    def forward(self, clip: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, C, T', H', W'), or (B, C) in front of the head."""
        module = self._module()
        if self.place == HEAD:
            handle = module.register_forward_pre_hook(_stop_before)
        else:
            handle = module.register_forward_hook(_stop_after)
        try:
            self.network(clip)
        except _Reached as reached:
            return coarsen(reached.features, self.average)
        finally:
            handle.remove()
        raise NetworkError(f"the forward pass of the network never comes to {self.place}")

    def _module(self) -> nn.Module:
        network = self.network
        path = network.head if self.place == HEAD else network.places[self.place].path
        return network.trunk.get_submodule(path)


def full_name(network: VideoNetwork, place: str) -> str:
    """Return the place that a name means: itself, or the last place of a stage.

    Raises:
        NetworkError: it means none.
    """
    if place == HEAD or place in network.places:
        return place
    of_stage = [name for name in network.places if name.startswith(f"{place}.")]
    if not of_stage:
        raise NetworkError(
            f"no place {place!r} in this network; places: {HEAD}, {', '.join(network.places)}"
        )
    return of_stage[-1]


class _Reached(Exception):  # noqa: N818
    """Carries the features out of a forward pass that needs to go no further."""

    def __init__(self, features: Tensor) -> None:
        super().__init__()
        self.features = features


def _stop_after(module: nn.Module, inputs: Any, output: Tensor) -> NoReturn:
    raise _Reached(output)


def _stop_before(module: nn.Module, inputs: tuple[Tensor, ...]) -> NoReturn:
    x = inputs[0]
    if x.ndim > 2:
        x = x.flatten(2).mean(2) if isinstance(module, nn.Conv3d) else x.flatten(1, -2).mean(1)
    raise _Reached(x)
