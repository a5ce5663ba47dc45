"""What the parsers of all commands share: short errors, near names, and how a help begins."""

import difflib
import re
from argparse import RawDescriptionHelpFormatter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from inspect import Parameter, signature
from types import MappingProxyType
from typing import Any, NoReturn, get_args, get_type_hints

from jsonargparse import ArgumentParser, DefaultHelpFormatter

from snl_video.errors import UsageError
from snl_video.renamed import new_name

UNKNOWN = "unrecognized arguments: "


class CommandHelp(DefaultHelpFormatter, RawDescriptionHelpFormatter):
    """Help that keeps the lines of its description."""


class ShortErrors(ArgumentParser):
    """A parser whose errors are exceptions of a few lines, which name what may be meant.

    Attributes:
        inner: the parser of the sub-command, whose unknown options this one reports.
    """

    inner: ArgumentParser | None = None

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise UsageError.

        Raises:
            UsageError: always.
        """
        if message.startswith(UNKNOWN):
            words = message.removeprefix(UNKNOWN).split()
            names = list((self.inner or self).get_defaults().keys())
            message = unknown_option(words[0], names)
        raise UsageError(in_few_words(message)) from ex


class CommandParser(ShortErrors):
    """The parser of a command that is one typed function.

    Args:
        command: words before the options, such as "snl-video check".
        function: what the command calls; its arguments are the options, and the first part of its
            docstring opens the help.
        usage: the options that matter most, for the first line of the help.
        words: arguments that are given without their names, and how often: None for once, "?" or
            "+".
        group: an argument whose fields are options themselves, and its dataclass.
        lists: arguments that take several values (--splits 1 2 3), and what each means.
        skip: arguments that are no options.
    """

    def __init__(
        self,
        command: str,
        function: Callable[..., Any],
        usage: str,
        words: Mapping[str, str | None] | None = None,
        group: tuple[str, type] | None = None,
        lists: Mapping[str, str] = MappingProxyType({}),
        skip: Sequence[str] = (),
    ) -> None:
        super().__init__(
            prog=command,
            usage=f"{command} {usage}",
            description=opening(function.__doc__ or ""),
            formatter_class=CommandHelp,
            allow_abbrev=False,
        )
        self.function, self.group = function, group
        by_hand: set[str | int] = {*(words or ()), *((group[0],) if group else ())}
        for name, count in (words or {}).items():
            kind = str if count else get_type_hints(function)[name]
            options: dict[str, Any] = {"nargs": count} if count else {}
            self.add_argument(name, type=kind, **options)
        if group is not None:
            self.add_class_arguments(group[1], as_group=False)
        for name, meaning in lists.items():
            kind = get_args(get_type_hints(function)[name])[0]
            default = signature(function).parameters[name].default
            if default is Parameter.empty:
                self.add_argument(f"--{name}", nargs="+", type=kind, required=True, help=meaning)
            else:
                self.add_argument(
                    f"--{name}", nargs="+", type=kind, default=list(default), help=meaning
                )
        self.add_function_arguments(function, as_group=False, skip=by_hand | {*lists, *skip})

    def call(self, words: Sequence[str]) -> Any:
        """Call the function with what the words of a command line say, the command's name first."""
        options = dict(vars(self.instantiate(self.parse_args(list(words[1:])))))
        if self.group is not None:
            name, kind = self.group
            options[name] = kind(**{f.name: options.pop(f.name) for f in fields(kind)})
        return self.function(**options)


def opening(docstring: str) -> str:
    """Return a docstring up to its list of arguments, without its indentation."""
    text = re.split(r"\n\s*(?:Args|Returns|Raises):\n", docstring)[0]
    return "\n".join(line.removeprefix("    ") for line in text.strip().splitlines())


def unknown_option(word: str, names: Sequence[str]) -> str:
    """Say that there is no option of a name, and which one may be meant or has replaced it."""
    if not word.startswith("-"):
        return f"unexpected {word!r}: options begin with --"
    name = word.lstrip("-").partition("=")[0]
    if now := new_name(name):
        return f"{name} is now {now}"
    near = difflib.get_close_matches(name, names, 3)
    last = name.rpartition(".")[2]
    ends = (f".{last}", f".max_{last}", f"_{last}")
    near += [other for end in ends for other in names if other.endswith(end)]
    near = list(dict.fromkeys(near))
    hint = f"did you mean --{' or --'.join(near[:3])}?" if near else "--help lists them"
    return f"no option --{name}; {hint}"


def in_few_words(message: str) -> str:
    """Shorten an error of jsonargparse: what was expected, without the types of Python."""
    lines = [line.strip().removeprefix("- ") for line in message.splitlines()]
    skipped = ("Does not validate", "Subtypes:", "Errors:", "Given value type:", "Problem with")
    lines = [
        line
        for line in lines
        if line and not line.startswith(skipped) and line != "Expected a <class 'NoneType'>"
    ]
    text = "\n  ".join(dict.fromkeys(lines))
    text = re.sub(r'Parser key "([^"]*)":\s*', r"\1: ", text)
    text = re.sub(r"<class '(?:\w+\.)*(\w+)'>", r"\1", text)
    text = re.sub(r"(?:a )?typing\.Literal\[([^\]]*)\]", r"one of \1", text)
    text = re.sub(r"Expected a (int|Any)\b", r"Expected an \1", text)
    return re.sub(r"Given value: NestedArg\(key='([^']*)', val='([^']*)'\)", r"given: \1=\2", text)
