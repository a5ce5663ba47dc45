"""Every command line that README and docs show is one that the program takes."""

import re
import shlex

import pytest

from snl_video.cli import COMMANDS
from snl_video.commands import command_parser
from snl_video.commands.video_cli import VideoCLI
from snl_video.recipe_files import find_recipe, with_recipe_paths
from tests.docs.pages import PAGES, ROOT, page_id
from tests.docs.test_reference import rows
from tests.test_configs import parse

VIDEO = ("validate", "test", "predict")


def command_lines():
    """(page, command line) of every `snl-video ...` in code; continued lines are joined."""
    for path in PAGES:
        text = re.sub(r"\\\n\s*", "", path.read_text(encoding="utf-8"))
        lines = re.findall(r"^(?: {4}|\$ )?(snl-video [^\n]+)$", text, flags=re.MULTILINE)
        lines += re.findall(r"`(snl-video [^`\n]+)`", text)
        yield from ((page_id(path), line) for line in dict.fromkeys(lines))


LINES = sorted(set(command_lines()))
PLACEHOLDER = re.compile(r"\b(FOLDER|A B|RUN|NAME|MODEL|VIDEO)\b")


def test_there_are_command_lines():
    assert len(LINES) > 30
    assert {shlex.split(line)[1] for _, line in LINES} >= set(COMMANDS)


@pytest.mark.parametrize(("page", "line"), LINES)
def test_the_program_takes_the_line(page, line, monkeypatch):
    monkeypatch.chdir(ROOT)
    words = shlex.split(PLACEHOLDER.sub("a", line).replace(" ...", "").partition("  #")[0])[1:]
    command, *options = words
    if command in ("--version", "--help", "COMMAND"):
        return
    assert command in COMMANDS
    if not options or options == ["--help"]:
        return
    if command == "finetune" and "--from_features" not in options:
        parse(find_recipe("ucf101/finetune_cpu"), more=with_recipe_paths(options[1:]))
    elif command == "fit":
        parse(more=with_recipe_paths([word for word in options if word != "--print_config"]))
    elif command in VIDEO and options[0].startswith("-"):
        without_weights = [word for word in options if not word.startswith("--ckpt_path")]
        monkeypatch.setattr("snl_video.run.checkpoint_to_evaluate", lambda *_: None)
        VideoCLI([command, *without_weights], run=False)
    else:
        read = []
        monkeypatch.setattr(
            command_parser.CommandParser,
            "call",
            lambda self, words: read.append(self.parse_args(list(words[1:]))),
        )
        __import__(f"snl_video.commands.{COMMANDS[command].module}", fromlist=["main"]).main(words)
        assert read


def test_every_command_has_a_row():
    table = rows("commands.md")
    assert all(f"`snl-video {name}" in table for name in COMMANDS)
