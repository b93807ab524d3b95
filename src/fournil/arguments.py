"""What can be typed after `fournil`: the verbs, their options, and what `--help` says of them."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from fournil import __version__
from fournil.core.errors import nearest
from fournil.core.speech import LANGUAGES, mark, preferred, retell, tr

STAGE_VERBS = {
    "sources": mark("fetch and read documents and pairs, each with its licence"),
    "curate": mark("identify, filter, mask, de-duplicate, hold text out"),
    "tokenizer": mark("train a tokenizer for the languages; `tokenizer audit` measures any"),
    "pretrain": mark("train the base model on balanced text"),
    "finetune": mark("make a translator and chat model of it"),
    "evaluate": mark("measure it, beside baselines"),
    "export": mark("write a Hugging Face folder and a GGUF file"),
    "report": mark("draw the page that says what is inside"),
}

HARNESS = "lm-eval"
"""The verb whose words are all handed on."""


class Parser(argparse.ArgumentParser):
    """argparse with options that are never abbreviated, its option for help and unknown verbs put into words by us."""

    def __init__(self, **settings: object) -> None:
        super().__init__(**(settings | {"add_help": False, "allow_abbrev": False}))  # pyright: ignore[reportArgumentType]
        self.add_argument("-h", "--help", action="help", help=tr("show this help and leave"))
        self.add_argument(
            "--lang", choices=LANGUAGES, default=argparse.SUPPRESS, help=tr("the language to speak (default: yours)")
        )
        self.add_argument("--traceback", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)

    def _check_value(self, action: argparse.Action, value: str) -> None:
        if isinstance(action, argparse._SubParsersAction) and value not in action.choices:
            guess = nearest(value, action.choices)
            known = tr("Verbs: {verbs}.", verbs=", ".join(action.choices))
            fix = tr("Did you mean {name}?", name=guess) if guess else known
            raise argparse.ArgumentError(None, tr("no verb {name!r}", name=value) + f". {fix}")
        super()._check_value(action, value)

    def refuse(self, words: Sequence[str]) -> NoReturn:
        """Leave with exit code 2 for words that nothing takes, and name the nearest option."""
        options = [name for action in self._actions for name in action.option_strings if name.startswith("--")]
        guess = nearest(words[0].partition("=")[0], options) if words[0].startswith("-") else None
        unknown = tr("nothing takes these words: {words}", words=" ".join(words))
        self.error(unknown + (". " + tr("Did you mean {name}?", name=guess) if guess else ""))


def build_parser() -> Parser:
    """Build the parser of all verbs, in the language that is spoken."""
    parser = Parser(
        prog="fournil",
        description=tr(
            "Make and run truly bilingual language models, from raw documents to a model that chats and "
            "translates on a laptop. Without a verb: draw the flow."
        ),
        epilog=tr("Exit codes: 0 done or nothing to do, 1 failed, 2 wrong use, 130 interrupted."),
    )
    version = tr("show the version and leave")
    parser.add_argument("--version", action="version", version=f"fournil {__version__}", help=version)
    verbs = parser.add_subparsers(dest="verb", metavar=tr("VERB"), parser_class=Parser)
    bake = _add(verbs, "bake", tr("run every stage of a recipe that is missing or stale"))
    bake.add_argument(
        "recipes",
        nargs="+",
        type=Path,
        metavar=tr("RECIPE"),
        help=tr("a recipe, such as recipes/petit.toml; of several, the first that can be baked on this machine"),
    )
    _add_shared(bake)
    _add_mirror(bake)
    _add_plan(verbs)
    for stage, text in STAGE_VERBS.items():
        _add_stage(verbs, stage, retell(text))
    _add_looks(verbs)
    _add_uses(verbs)
    _add_publish(verbs)
    _add_text_models(verbs)
    _add_harness(verbs)
    return parser


def _add(verbs: argparse._SubParsersAction[Parser], name: str, text: str) -> Parser:
    verb = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    verb.set_defaults(parser=verb)
    return verb


def _add_shared(verb: Parser, *, quiet: bool = True) -> None:
    verb.add_argument("--run", type=Path, metavar=tr("FOLDER"), help=tr("the run's folder (default: runs/NAME)"))
    verb.add_argument(
        "--set", action="append", default=[], metavar=tr("KEY=VALUE"), help=tr("change a setting of the recipe")
    )
    _add_threads(verb)
    if quiet:
        verb.add_argument("--quiet", action="store_true", help=tr("say nothing but errors"))


def _add_plan(verbs: argparse._SubParsersAction[Parser]) -> None:
    plan = _add(verbs, "plan", tr("say what a recipe takes before anything runs: tokens, memory, hours, energy, euros"))
    plan.add_argument("recipe", type=Path, metavar=tr("RECIPE"), help=tr("a recipe, such as recipes/croissant.toml"))
    _add_shared(plan, quiet=False)
    hardware = tr("train on `here` (this machine, measured), A100, H100 or H200 (default: as the recipe says)")
    plan.add_argument("--hardware", metavar=tr("NAME"), help=hardware)
    plan.add_argument("--json", action="store_true", help=tr("print the plan as JSON"))


def _add_threads(verb: Parser) -> None:
    text = tr("threads to use (default: all that this process may)")
    verb.add_argument("--threads", type=int, default=0, metavar=tr("NUMBER"), help=text)


def _add_mirror(verb: Parser) -> None:
    text = tr("fetch Debian packages from this mirror, without apt, such as https://deb.debian.org/debian")
    verb.add_argument("--mirror", metavar=tr("ADDRESS"), help=text)


def _add_stage(verbs: argparse._SubParsersAction[Parser], stage: str, text: str) -> None:
    verb = _add(verbs, stage, text)
    recipe = tr("bring this stage of a recipe up to date, and those before it")
    verb.add_argument("--recipe", type=Path, metavar=tr("RECIPE"), help=recipe)
    _add_shared(verb)
    verb.add_argument("--settings", action="store_true", help=tr("list the stage's settings and leave"))
    if stage == "sources":
        _add_mirror(verb)
    if stage in ("sources", "curate"):
        files = tr("text, Markdown, HTML, JSONL, CSV or Parquet files, .gz .xz .zst too")
        verb.add_argument("files", nargs="*", metavar=tr("FILE"), help=files)
        verb.add_argument("--language", metavar=tr("TAG"), help=tr("their language (default: identified)"))
        verb.add_argument("--licence", metavar="SPDX", help=tr("their licence, an SPDX expression"))
    if stage == "tokenizer":
        audit = tr("`audit` and a tokenizer's folder or file")
        verb.add_argument("what", nargs="*", metavar=tr("audit TOKENIZER"), help=audit)
    if stage == "evaluate":
        model = tr("a model folder, a checkpoint, a run, or a name on the Hugging Face hub")
        verb.add_argument("model", nargs="?", metavar=tr("MODEL"), help=model)
        _add_tasks(verb)
    if stage == "export":
        model = tr("a model folder in the Hugging Face layout")
        verb.add_argument("model", nargs="?", metavar=tr("MODEL"), help=model)
    if stage in ("tokenizer", "evaluate"):
        verb.add_argument(
            "--text",
            action="append",
            default=[],
            metavar=tr("TAG=FILE"),
            help=tr("text to measure on, by language"),
        )
    if stage in ("sources", "curate", "evaluate", "export"):
        out = tr("where the result goes, a run folder of its own")
        verb.add_argument("-o", "--out", type=Path, metavar=tr("FOLDER"), help=out)


def _add_tasks(verb: Parser) -> None:
    tasks = tr(
        "tasks to score: frenchbench (French beside English), one of its tags, lm_eval's names, fournil-mini, or local "
        "sets (.toml)"
    )
    verb.add_argument("--tasks", nargs="+", action="extend", default=[], metavar=tr("NAME"), help=tasks)
    shots = tr("examples before each question (default: as the task says)")
    verb.add_argument("--shots", type=int, default=None, metavar=tr("NUMBER"), help=shots)
    limit = tr("the most items of each task, the first ones (default: all)")
    verb.add_argument("--limit", type=int, default=None, metavar=tr("NUMBER"), help=limit)
    seed = tr("draws the examples before questions (default: 1234, as lm_eval)")
    verb.add_argument("--seed", type=int, default=None, metavar=tr("NUMBER"), help=seed)
    data = tr("a folder with the tasks' data sets, for machines without a network (default: the Hugging Face hub)")
    verb.add_argument("--data", type=Path, default=None, metavar=tr("FOLDER"), help=data)
    precision = tr("of the tasks' scoring: fp32, which gives lm_eval's scores, or bf16 (default: fp32)")
    verb.add_argument("--precision", choices=("fp32", "bf16"), default=None, help=precision)
    fidelity = tr("go on from 200 prompts in each language: does the model stick to it?")
    verb.add_argument("--fidelity", action="store_true", help=fidelity)
    checkpoints = tr("draw curves over the training: `all` its checkpoints, or steps such as 100,200")
    verb.add_argument("--checkpoints", default=None, metavar=tr("STEPS"), help=checkpoints)


def _add_looks(verbs: argparse._SubParsersAction[Parser]) -> None:
    show = _add(verbs, "show", tr("say what a run made, of what, and what it took"))
    why = _add(verbs, "why", tr("tell a document's story: where it came from, why it was kept or refused"))
    verify = _add(verbs, "verify", tr("read every file of a run again and compare it with the ledger"))
    for verb in (show, why, verify):
        verb.add_argument("run", type=Path, metavar=tr("RUN"), help=tr("a run's folder, such as runs/petit"))
    why.add_argument("id", metavar="ID", help=tr("a document's or pair's id, or the beginning of one"))
    show.add_argument("--json", action="store_true", help=tr("print the records as JSON"))
    why.add_argument("--json", action="store_true", help=tr("print what was found as JSON"))
    verify.add_argument("--quiet", action="store_true", help=tr("say nothing but errors"))
    look = _add(verbs, "look", tr("show random texts that a step of curation refused, beside texts that were kept"))
    look.add_argument("run", type=Path, metavar=tr("RUN"), help=tr("a run's folder, such as runs/petit"))
    look.add_argument("--step", metavar=tr("STEP"), help=tr("only what this step did, such as duplicates"))
    look.add_argument("--rule", metavar=tr("RULE"), help=tr("only what this rule did, such as near-duplicate"))
    num = tr("how many refused texts, and how many changed ones (default: 5)")
    look.add_argument("--num", type=int, default=5, metavar=tr("NUMBER"), help=num)
    look.add_argument("--seed", type=int, default=0, metavar=tr("NUMBER"), help=tr("another one gives other texts"))
    look.add_argument("--html", type=Path, metavar=tr("FILE"), help=tr("write a page instead"))
    compare = _add(verbs, "compare", tr("say where one model is better than another, and where nobody can tell"))
    for name in ("A", "B"):
        compare.add_argument(name.lower(), type=Path, metavar=name, help=tr("a run's folder, or that of an evaluation"))
    compare.add_argument("--json", action="store_true", help=tr("print the comparison as JSON"))


def _add_uses(verbs: argparse._SubParsersAction[Parser]) -> None:
    chat = _add(verbs, "chat", tr("chat with a model"))
    translate = _add(verbs, "translate", tr("translate a text, or the lines of standard input"))
    for verb in (chat, translate):
        model = tr("a run, a model folder, or a name on the Hugging Face hub")
        verb.add_argument("model", metavar=tr("MODEL"), help=model)
    chat.add_argument(
        "--temperature",
        type=float,
        default=None,
        metavar=tr("NUMBER"),
        help=tr("0 always takes the most likely token"),
    )
    longest = tr("the longest answer, in tokens (default: 256)")
    chat.add_argument("--max-new-tokens", type=int, default=256, metavar=tr("NUMBER"), help=longest)
    seed = tr("makes sampled answers repeatable")
    chat.add_argument("--seed", type=int, default=None, metavar=tr("NUMBER"), help=seed)
    chat.add_argument("--quiet", action="store_true", help=tr("no greeting, answers only"))
    text = tr("the text (default: standard input)")
    translate.add_argument("text", nargs="?", metavar=tr("TEXT"), help=text)
    to = tr("the language to translate into: fr or en")
    translate.add_argument("--to", required=True, metavar=tr("TAG"), help=to)
    for verb in (chat, translate):
        _add_threads(verb)


def _add_publish(verbs: argparse._SubParsersAction[Parser]) -> None:
    publish = _add(verbs, "publish", tr("write the page of a run, with its model, as a folder for any web host"))
    publish.add_argument("run", type=Path, metavar=tr("RUN"), help=tr("a run's folder, such as runs/petit"))
    page = tr("where the page goes; pages of Fournil there are replaced, other files stay")
    publish.add_argument("--page", type=Path, required=True, metavar=tr("FOLDER"), help=page)
    force = tr("replace index.html and index.fr.html there even if others made them")
    publish.add_argument("--force", action="store_true", help=force)
    publish.add_argument("--quiet", action="store_true", help=tr("say nothing but errors"))


def _add_text_models(verbs: argparse._SubParsersAction[Parser]) -> None:
    perplexity = _add(verbs, "perplexity", tr("train a model that finds badly read or odd text surprising, or ask it"))
    classifier = _add(verbs, "classifier", tr("train a classifier of texts from labels of your own, or ask it"))
    for verb in (perplexity, classifier):
        action = tr("`train` makes a model, `score` asks it about files")
        verb.add_argument("action", choices=("train", "score"), help=action)
        files = tr("Parquet, JSONL or text files, .gz .xz .zst too, or folders of them; for `score` the model first")
        verb.add_argument("files", nargs="+", type=Path, metavar=tr("FILE"), help=files)
        verb.add_argument("-o", "--out", type=Path, metavar=tr("FOLDER"), help=tr("where the model goes"))
        column = tr("the column with the text (default: text)")
        verb.add_argument("--column", default="text", metavar=tr("NAME"), help=column)
        verb.add_argument("--json", action="store_true", help=tr("print what was found as JSON"))
    perplexity.add_argument("--language", metavar=tr("TAG"), help=tr("the language of the text"))
    label = tr("the column with the labels (default: label)")
    classifier.add_argument("--label", default="label", metavar=tr("NAME"), help=label)
    positive = tr("labels are grades, and count as true from this one on")
    classifier.add_argument("--positive", type=float, default=None, metavar=tr("NUMBER"), help=positive)


def _add_harness(verbs: argparse._SubParsersAction[Parser]) -> None:
    harness = _add(verbs, HARNESS, tr("run lm-evaluation-harness's own command line on Fournil's engine"))
    words = tr("what lm_eval takes, such as --model_args pretrained=FOLDER --tasks NAME; --help is lm_eval's own")
    harness.add_argument("words", nargs="*", metavar=tr("WORD"), help=words)


def language_asked(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> str:
    """Return the language to speak, before anything is parsed: help and errors are in it already.

    Args:
        arguments: The command line; `--lang` may stand before or after the verb.
        environment: What the machine prefers.
    """
    wanted = preferred(environment)
    for number, word in enumerate(arguments):
        if word == "--":
            break
        name, equals, value = word.partition("=")
        if name != "--lang":
            continue
        asked = value if equals else next(iter(arguments[number + 1 : number + 2]), "")
        wanted = asked if asked in LANGUAGES else wanted
    return wanted


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse a command line.

    argparse takes an optional positional as absent once an option has come, so `translate MODEL --to fr TEXT` would
    leave TEXT over; what is left over is given its place here.
    """
    parser = build_parser()
    own, handed = _without_handed(sys.argv[1:] if arguments is None else arguments)
    options, rest = parser.parse_known_args(own)
    if options.verb == HARNESS:
        options.words = handed
    words = [word for word in rest if not word.startswith("-")]
    if words == rest and options.verb == "translate" and options.text is None and len(rest) == 1:
        options.text = rest[0]
    elif words == rest and options.verb in ("sources", "curate"):
        options.files += rest
    elif words == rest and options.verb == "bake":
        options.recipes += map(Path, rest)
    elif rest:
        getattr(options, "parser", parser).refuse(rest)
    return options


def _without_handed(words: Sequence[str]) -> tuple[Sequence[str], list[str]]:
    """Part a command line from what stands behind `lm-eval`, none of which is ours to parse."""
    for number, word in enumerate(words):
        if not word.startswith("-") and words[number - 1 : number] != ["--lang"]:
            return (words[: number + 1], list(words[number + 1 :])) if word == HARNESS else (words, [])
    return words, []
