"""The card of a shared network, made of what its checkpoint and its report say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

import yaml

from snl_video.evaluation.metrics import METRICS
from snl_video.wording import markdown_table

LICENCES = {"deepmind": "Apache-2.0, that of DeepMind's kinetics-i3d"}
"""Layout of start weights -> their licence, where the project knows it."""

PRIVATE = ("root", "lists", "predict", "decoding", "loader", "classes", "source")
"""Settings that name places on the machine of the run, or say nothing of its result."""


@dataclass(frozen=True)
class CardFacts:
    """What a card tells.

    Attributes:
        name: of the network.
        model: settings of the model, as in a recipe.
        data: settings of its data.
        classes: names.
        training: of the checkpoint: epochs, steps, sha256.
        network: parameters, GMACs, blocks; empty where they were not counted.
        start: what was loaded of start weights; empty for random ones.
        metrics: of the report of its test; empty without one.
        trainer: settings of the trainer.
        licence: that the sharer chose, "" for none.
    """

    name: str
    model: Mapping[str, Any]
    data: Mapping[str, Any]
    classes: Sequence[str]
    training: Mapping[str, Any]
    network: Mapping[str, Any] = field(default_factory=dict)
    start: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    trainer: Mapping[str, Any] = field(default_factory=dict)
    licence: str = ""


def model_card(facts: CardFacts) -> str:
    """Return the card, in Markdown with the head that the hub reads."""
    head = {
        "library_name": "snl_video",
        "pipeline_tag": "video-classification",
        "tags": ["video-classification", "action-recognition", "snl_video"],
        **({"license": facts.licence} if facts.licence else {}),
    }
    sections = {
        "Use": _use(facts),
        "Network": _network(facts),
        "Results": _results(facts.metrics),
        "Data": _data(facts),
        "Recipe": _recipe(facts),
        "Limits": _limits(facts),
        "Licence": _licence(facts),
    }
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items())
    return f"---\n{yaml.safe_dump(head, sort_keys=False)}---\n\n# {facts.name}\n\n{body}\n"


def _use(facts: CardFacts) -> str:
    return (
        "```python\nfrom snl_video import load_model\n\n"
        'print(load_model("FOLDER").predict("clip.mp4"))  # or "hf:USER/NAME"\n```\n\n'
        f"It names {len(facts.classes)} classes; `config.json` lists them."
    )


def _network(facts: CardFacts) -> str:
    network, model = facts.network, facts.model
    lines = [f"`{model.get('backbone')}` of width {model.get('width')}."]
    if network:
        shape = " x ".join(map(str, network.get("clip_shape", ())))
        lines.append(
            f"{network['parameters']:,} parameters, {network['gmacs']:.3g} GMACs for one clip of "
            f"{shape}."
        )
    blocks = network.get("blocks") or []
    names = ", ".join(f"`{block['kind']}` at `{block['place']}`" for block in blocks)
    if network:
        lines.append(f"Non-local blocks: {names or 'none'}.")
    start = facts.start
    if start:
        lines.append(
            f"Trained from `{PurePath(str(start['source'])).name}` (layout {start['format']}, "
            f"SHA-256 `{start['sha256']}`), {start['backbone_share']:.2%} of the backbone."
        )
    else:
        lines.append("The checkpoint names no start weights: trained from random ones.")
    return " ".join(lines)


def _results(metrics: Mapping[str, Any]) -> str:
    if not metrics:
        return "None: the weights were shared without a report of their test."
    intervals = metrics.get("intervals", {})
    rows = [
        (
            metric.heading,
            metric.text(metrics[name], digits=2),
            " to ".join(metric.text(end, digits=2) for end in intervals.get(name, ())) or "-",
        )
        for name, metric in METRICS.items()
        if name in metrics
    ]
    recipe = metrics.get("recipe", {})
    evaluation = recipe.get("evaluation", {})
    protocol = evaluation.get("protocol") or recipe.get("data", {}).get("protocol")
    facts = [
        f"{metrics['videos']} of {metrics['listed']} listed videos, {metrics['failed']} of them "
        f"unreadable and counted as wrong, {metrics['absent']} absent",
        f"views (clips x crops) {metrics.get('setting') or 'all'}, joined by their "
        f"{evaluation.get('average', 'probabilities')}",
        *([f"protocol {protocol}"] if protocol else []),
        f"chance {100 * metrics['chance']:.2f} %",
        f"intervals: {metrics['interval_method']}",
        f"SHA-256 of ids and labels of the tested videos: `{metrics['list_sha256']}`",
    ]
    table = markdown_table(("metric", "value", "95 %"), rows)
    return table + "\n\n" + "\n".join(f"* {fact}" for fact in facts)


def _data(facts: CardFacts) -> str:
    data = facts.metrics.get("data") or {}
    folder = PurePath(str(facts.data.get("root", ""))).name
    lines = [f"Format `{facts.data.get('format')}`, folder `{folder}`."]
    rows = [
        (name, str(subset["videos"]), str(subset["classes"]), f"`{subset['sha256']}`")
        for name, subset in (data.get("subsets") or {}).items()
        if "sha256" in subset
    ]
    if rows:
        lines.append(markdown_table(("list", "videos", "classes", "SHA-256"), rows))
    else:
        lines.append("The hashes of its lists are in the report of its test, which is not here.")
    return "\n\n".join(lines)


def _recipe(facts: CardFacts) -> str:
    groups = {
        "model": facts.model,
        "data": facts.data,
        "trainer": facts.trainer,
        "training": facts.training,
    }
    shown = {name: _shown(values) for name, values in groups.items() if values}
    return f"```yaml\n{yaml.safe_dump(shown, sort_keys=False)}```"


def _shown(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in values.items()
        if name not in PRIVATE and not name.startswith("_") and value is not None
    }


def _limits(facts: CardFacts) -> str:
    several = facts.model.get("loss", {}).get("kind") == "binary_cross_entropy"
    answer = (
        "It knows only these classes; its thresholds were chosen on the validation list."
        if several
        else "It always names one of its classes, also for a video that shows none of them."
    )
    lines = [
        answer,
        "One training run. The intervals say how far the numbers would move with other videos of "
        "the same kind; another run, or videos from elsewhere, may differ by more.",
    ]
    if facts.metrics and not facts.metrics["complete"]:
        lines.append("The test was cut short: the numbers are of a part of the list.")
    val, test = (
        (facts.metrics.get("data") or {}).get("subsets", {}).get(name, {}).get("sha256")
        for name in ("val", "test")
    )
    if test and val == test:
        lines.append(
            "The validation list, by which a checkpoint may have been chosen, is the test list."
        )
    return "\n".join(f"* {line}" for line in lines)


def _licence(facts: CardFacts) -> str:
    own = facts.licence or "none was chosen: ask who shares them"
    lines = [f"Of these weights: {own}."]
    if facts.start:
        known = LICENCES.get(facts.start["format"], "that of their publisher; read it there")
        lines.append(f"Of the weights that the training started from: {known}.")
    lines.append("Of the videos: that of their publishers.")
    return "\n".join(f"* {line}" for line in lines)
