"""Settings that had another name before, and settings written with those names."""

from collections.abc import Mapping
from typing import Any

RENAMED = {
    "data.annotations": "data.lists.folder",
    "data.train_list": "data.lists.train",
    "data.val_list": "data.lists.val",
    "data.test_list": "data.lists.test",
    "data.class_file": "data.lists.classes",
    "data.missing": "data.lists.missing",
    "data.val_share": "data.holdout.share",
    "data.val_seed": "data.holdout.seed",
    "data.num_frames": "data.clip.num_frames",
    "data.frame_interval": "data.clip.interval",
    "data.short_video": "data.clip.short",
    "data.crop_size": "data.crop.size",
    "data.test_crop_size": "data.crop.test_size",
    "data.short_side": "data.crop.short_side",
    "data.train_scale": "data.crop.scale",
    "data.train_ratio": "data.crop.ratio",
    "data.train_short_sides": "data.crop.short_sides",
    "data.flip": "data.augment.flip",
    "data.num_clips": "data.views.num_clips",
    "data.num_crops": "data.views.num_crops",
    "data.val_num_clips": "data.views.val_num_clips",
    "data.val_num_crops": "data.views.val_num_crops",
    "data.batch_size": "data.loader.batch_size",
    "data.eval_batch_size": "data.loader.eval_batch_size",
    "data.num_workers": "data.loader.num_workers",
    "data.timeout": "data.loader.timeout",
    "data.prefetch_factor": "data.loader.prefetch_factor",
    "data.on_bad_video": "data.bad_videos.evaluation",
    "data.max_replacements": "data.bad_videos.max_replacements",
    "data.max_bad_share": "data.bad_videos.max_share",
    "data.backend": "data.decoding.backend",
    "data.decode_timeout": "data.decoding.timeout",
    "data.index": "data.decoding.index",
    "data.predict_paths": "data.predict.paths",
    "data.class_names": "data.predict.classes",
    "model.label_smoothing": "model.loss.label_smoothing",
    "model.class_weights": "model.loss.class_weights",
    "model.average": "model.evaluation.average",
    "model.views_per_forward": "model.evaluation.views_per_forward",
    "model.view_settings": "model.evaluation.view_settings",
    "model.pretrained": "pretrained",
    "model.freeze_until": "freeze.until",
    "model.freeze_norm": "freeze.norm",
    "model.unfreeze": "freeze.unfreeze",
}
"""Dotted name before -> dotted name now. A name before is a section and a word."""

RENAMED_BACKBONES = {"slowfast_r50": "slowfast_r50_8x8"}
"""Name of a backbone before -> the name with the same defaults now."""

SECTIONS = {"model": "hyper_parameters", "data": "datamodule_hyper_parameters"}
"""Section of a configuration -> where Lightning keeps it in a checkpoint."""

STATES = ("state_dict", "current_model_state")
"""Where a checkpoint has the tensors of a model; the second beside an average."""


def new_name(old: str) -> str | None:
    """Return what a setting is called now, or None if it had no other name.

    What follows a name stays: ``model.unfreeze.5`` is ``freeze.unfreeze.5``.
    """
    section, _, rest = old.partition(".")
    word, dot, more = rest.partition(".")
    name = RENAMED.get(f"{section}.{word}")
    return None if name is None else f"{name}{dot}{more}"


def old_names(settings: Mapping[str, Any]) -> list[str]:
    """Return the dotted names in ``settings`` (section -> word -> value) that are old ones."""
    return [
        old
        for old in RENAMED
        for section, word in [old.split(".")]
        if isinstance(settings.get(section), Mapping) and word in settings[section]
    ]


def migrate_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``settings`` with the names of today; those that have them already stay as they are.

    Args:
        settings: section -> word -> value, such as ``{"model": {...}, "data": {...}}``: a
            configuration, or the two kinds of settings that a checkpoint holds. Not changed.
    """
    new = _copy(settings)
    for old in old_names(settings):
        section, word = old.split(".")
        value = new[section].pop(word)
        *groups, leaf = RENAMED[old].split(".")
        place = new
        for group in groups:
            place = place.setdefault(group, {})
        place[leaf] = value
    if isinstance(new.get("pretrained"), str):
        new["pretrained"] = {"source": new["pretrained"]}
    model = new.get("model")
    if isinstance(model, dict) and model.get("backbone") in RENAMED_BACKBONES:
        model["backbone"] = RENAMED_BACKBONES[model["backbone"]]
    return new


def migrate_checkpoint(checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``checkpoint`` with the names of today in its settings; its tensors are shared.

    What the model held of pretrained weights and of freezing becomes ``pretrained`` and ``freeze``
    beside ``hyper_parameters``, where the callbacks keep it now.
    """
    held = {section: checkpoint[key] for section, key in SECTIONS.items() if key in checkpoint}
    new = migrate_settings(held)
    settings = {SECTIONS.get(section, section): value for section, value in new.items()}
    return {**checkpoint, **settings, **unwrapped_states(checkpoint)}


def unwrapped_states(checkpoint: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the groups of tensors in ``checkpoint`` by the names of today."""
    return {key: unwrapped(checkpoint[key]) for key in STATES if key in checkpoint}


def unwrapped(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``tensors`` with the names of today around blocks.

    A module with a block was once wrapped: its own tensors were ``<path>.module.<rest>`` beside
    ``<path>.non_local.<rest>``. They are ``<path>.<rest>`` now.
    """
    around = {name[: name.index(".non_local.")] for name in tensors if ".non_local." in name}
    new = dict(tensors)
    for path in around:
        own = [
            n
            for n in tensors
            if n.startswith(f"{path}.") and not n.startswith(f"{path}.non_local.")
        ]
        if own and all(name.startswith(f"{path}.module.") for name in own):
            names = {name: path + name.removeprefix(f"{path}.module") for name in own}
            new = {names.get(name, name): value for name, value in new.items()}
    return new


def _copy(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _copy(value) if isinstance(value, Mapping) else value
        for name, value in settings.items()
    }
