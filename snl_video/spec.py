"""Settings as small dataclasses that travel as plain dictionaries."""

from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any, TypeVar

from snl_video.errors import InputError

Spec = TypeVar("Spec")


def as_spec(kind: type[Spec], value: Spec | Mapping[str, Any], name: str) -> Spec:
    """Return ``value`` as the dataclass ``kind``; a mapping gives its fields.

    Raises:
        InputError: the mapping has a key that is no field; the message names it and the fields.
    """
    if isinstance(value, kind):
        return value
    assert isinstance(value, Mapping)
    known = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    unknown = sorted(set(value) - set(known))
    if unknown:
        raise InputError(f"{name} has no key {unknown[0]!r}; its keys: {', '.join(known)}")
    return kind(**value)


def plain_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``settings`` with every dataclass as a dict of its fields, fit for a checkpoint."""
    return {
        name: asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
        for name, value in settings.items()
    }
