"""The options of a builder, read off its signature, and the check of given values against it."""

import inspect
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, get_args, get_origin, get_type_hints

from snl_video.blocks.block import NonLocalBlock, SharedOptions
from snl_video.blocks.pointwise import Grid


def options_of(builder: Callable[..., NonLocalBlock]) -> dict[str, Any]:
    """The keyword-only parameters of a builder with their defaults.

    A builder that takes `**shared` has the options of `SharedOptions` too, with the defaults of
    `NonLocalBlock`.
    """
    parameters = inspect.signature(builder).parameters.values()
    own = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        block = inspect.signature(NonLocalBlock).parameters
        own = {name: block[name].default for name in SharedOptions.__annotations__} | own
    return own


def checked(
    kind: str, builder: Callable[..., NonLocalBlock], options: Mapping[str, Any]
) -> dict[str, Any]:
    """All options of the builder of a kind, the given ones replaced; lists become tuples.

    What may be given, the annotations tell: a `Literal` one of its values, an `int` a number of 1
    or more, a `float` a number above 0 or its default, a `Grid` three sizes of 1 or more.

    Raises ValueError for an option or a value that there is not; lists those that there are.
    """
    known = options_of(builder)
    function = builder.func if isinstance(builder, partial) else builder
    hints = get_type_hints(NonLocalBlock.__init__) | get_type_hints(function)
    for name, value in options.items():
        if name not in known:
            raise ValueError(
                f"block kind {kind!r} has no option {name!r}: it has {', '.join(known)}"
            )
        hint, wanted = hints.get(name), ""
        if get_origin(hint) is Literal and value not in get_args(hint):
            wanted = f"one of {', '.join(get_args(hint))}"
        elif hint is int and (not isinstance(value, int) or value < 1):
            wanted = "1 or more"
        elif hint is float and value != known[name] and not _is_positive(value):
            wanted = "a number above 0"
        elif Grid in (hint, *get_args(hint)) and value is not None and not _is_grid(value):
            wanted = "three sizes (T, H, W) of 1 or more"
        if wanted:
            raise ValueError(f"{name} of block kind {kind!r} must be {wanted}, got {value!r}")
    chosen = known | dict(options)
    return {k: tuple(v) if isinstance(v, list) else v for k, v in chosen.items()}


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and 0 < value < math.inf


def _is_grid(value: Any) -> bool:
    sizes = value if isinstance(value, list | tuple) else ()
    return len(sizes) == 3 and all(isinstance(size, int) and size > 0 for size in sizes)
