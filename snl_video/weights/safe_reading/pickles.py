"""What a pickle names and which tensors it declares, found out without running anything of it."""

import pickle
from collections.abc import Callable
from typing import IO, Any, ClassVar, NamedTuple

ITEM_BYTES = {
    "DoubleStorage": 8,
    "FloatStorage": 4,
    "HalfStorage": 2,
    "BFloat16Storage": 2,
    "LongStorage": 8,
    "IntStorage": 4,
    "ShortStorage": 2,
    "ComplexDoubleStorage": 16,
    "ComplexFloatStorage": 8,
}
"""Bytes of one number of torch's storage classes; those left out have one byte."""


NEVER_RUN = (
    "nothing of it was run, and nothing in this package converts a file by running it; get the "
    "weights as .safetensors, or as a plain dictionary of tensors written by torch.save"
)


def would_call(name: str) -> str:
    """Say why a pickle that names the function or class ``name`` is refused."""
    return f"it would call {name}; {NEVER_RUN}"


class PickleContents(NamedTuple):
    """What a pickle asks for.

    Attributes:
        names: functions and classes, as ``module.name``, in the order of their use.
        storages: key of a storage -> bytes that it is declared to have.
    """

    names: tuple[str, ...]
    storages: dict[str, int]


def inspect_pickle(file: IO[bytes]) -> PickleContents:
    """Walk through the next pickle in ``file``; every function and class is an inert stand-in.

    Raises:
        Exception: of many types, when the bytes are no pickle or a broken one.
    """
    walker = _Walker(file, encoding="latin1")
    walker.load()
    return PickleContents(tuple(walker.names), walker.storages)


class _Inert:
    """Takes everything that a pickle can do to an object, and does nothing."""

    def __new__(cls, *args: Any, **kwargs: Any) -> "_Inert":
        return super().__new__(cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __call__(self, *args: Any, **kwargs: Any) -> "_Inert":
        return _Inert()

    def __setstate__(self, state: Any) -> None:
        pass

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def append(self, value: Any) -> None:
        pass

    def extend(self, values: Any) -> None:
        pass

    def add(self, value: Any) -> None:
        pass


class _Walker(pickle._Unpickler):
    """The unpickler written in Python: its memo can't be made to fill the memory.

    Byte arrays are left out for the same reason: their declared size is allocated unseen.
    """

    dispatch: ClassVar[dict[int, Callable[[pickle.Unpickler], None]]] = {
        code: action
        for code, action in pickle._Unpickler.dispatch.items()
        if code != pickle.BYTEARRAY8[0]
    }

    def __init__(self, file: IO[bytes], *, encoding: str) -> None:
        super().__init__(file, encoding=encoding)
        self.names: list[str] = []
        self.storages: dict[str, int] = {}

    def find_class(self, module: str, name: str) -> Any:
        full_name = f"{module}.{name}"
        if full_name not in self.names:
            self.names.append(full_name)
        return type(name, (_Inert,), {})

    def persistent_load(self, pid: Any) -> Any:
        """Note a storage: ("storage", class, key, device, number of elements, ...)."""
        if not (isinstance(pid, tuple) and len(pid) >= 5 and isinstance(pid[4], int)):
            raise pickle.UnpicklingError(f"a persistent id that is no storage: {str(pid)[:80]}")
        kind = getattr(pid[1], "__name__", "")
        self.storages[str(pid[2])] = pid[4] * ITEM_BYTES.get(kind, 1)
        return _Inert()
