"""The command line: verbs only. What a verb needs is imported when it is called."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from fournil import __version__
from fournil.core.errors import EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED, EXIT_USAGE, FournilError

STAGE_VERBS = {
    "sources": "fetch and read documents and pairs, each with its licence",
    "curate": "identify, filter, mask, de-duplicate, hold text out",
    "tokenizer": "train a tokenizer for the languages; `tokenizer audit` measures any",
    "pretrain": "train the base model on balanced text",
    "finetune": "make a translator and chat model of it",
    "evaluate": "measure it, beside baselines",
    "export": "write a Hugging Face folder and a GGUF file",
    "report": "draw the page that says what is inside",
}


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of all verbs."""
    parser = argparse.ArgumentParser(
        prog="fournil",
        description="Make and run truly bilingual language models, from raw documents to a model that chats and "
        "translates on a laptop. Without a verb: draw the flow.",
        epilog="Exit codes: 0 done or nothing to do, 1 failed, 2 wrong use, 130 interrupted.",
    )
    parser.add_argument("--version", action="version", version=f"fournil {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")
    bake = verbs.add_parser("bake", help="run every stage of a recipe that is missing or stale")
    bake.add_argument("recipe", type=Path, help="a recipe, such as recipes/petit.toml")
    _add_shared(bake)
    for stage, text in STAGE_VERBS.items():
        _add_stage(verbs, stage, text)
    _add_looks(verbs)
    _add_uses(verbs)
    return parser


def _add_shared(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--run", type=Path, metavar="FOLDER", help="the run's folder (default: runs/NAME)")
    verb.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting of the recipe")
    verb.add_argument("--threads", type=int, default=0, help="threads to use (default: all that this process may)")
    verb.add_argument("--quiet", action="store_true", help="say nothing but errors")


def _add_stage(verbs: argparse._SubParsersAction[argparse.ArgumentParser], stage: str, text: str) -> None:
    verb = verbs.add_parser(
        stage,
        help=text,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=text[0].upper() + text[1:] + ".",
    )
    verb.add_argument("--recipe", type=Path, help="bring this stage of a recipe up to date, and those before it")
    _add_shared(verb)
    verb.add_argument("--settings", action="store_true", help="list the stage's settings and leave")
    if stage in ("sources", "curate"):
        verb.add_argument(
            "files", nargs="*", help="text, Markdown, HTML, JSONL, CSV or Parquet files, .gz .xz .zst too"
        )
        verb.add_argument("--language", metavar="TAG", help="their language (default: identified)")
        verb.add_argument("--licence", metavar="SPDX", help="their licence, an SPDX expression")
    if stage == "tokenizer":
        verb.add_argument("what", nargs="*", metavar="audit TOKENIZER", help="`audit` and a tokenizer's folder or file")
    if stage in ("evaluate", "export"):
        verb.add_argument("model", nargs="?", help="a model folder in the Hugging Face layout")
    if stage in ("tokenizer", "evaluate"):
        verb.add_argument(
            "--text", action="append", default=[], metavar="TAG=FILE", help="text to measure on, by language"
        )
    if stage in ("sources", "curate", "evaluate", "export"):
        verb.add_argument("-o", "--out", type=Path, help="where the result goes, a run folder of its own")


def _add_looks(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    show = verbs.add_parser("show", help="say what a run made, of what, and what it took")
    show.add_argument("run", type=Path)
    show.add_argument("--json", action="store_true", help="print the records as JSON")
    why = verbs.add_parser("why", help="tell a document's story: where it came from, why it was kept or refused")
    why.add_argument("run", type=Path)
    why.add_argument("id", help="a document's or pair's id, or the beginning of one")
    why.add_argument("--json", action="store_true", help="print what was found as JSON")
    check = verbs.add_parser("verify", help="read every file of a run again and compare it with the ledger")
    check.add_argument("run", type=Path)


def _add_uses(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    model_help = "a run, a model folder, or a name on the Hugging Face hub"
    chat = verbs.add_parser("chat", help="chat with a model")
    chat.add_argument("model", help=model_help)
    chat.add_argument("--temperature", type=float, default=None, help="0 always takes the most likely token")
    chat.add_argument("--max-new-tokens", type=int, default=256)
    chat.add_argument("--seed", type=int, default=None, help="makes sampled answers repeatable")
    translate = verbs.add_parser("translate", help="translate a text, or the lines of standard input")
    translate.add_argument("model", help=model_help)
    translate.add_argument("text", nargs="?", help="the text (default: standard input)")
    translate.add_argument("--to", required=True, metavar="TAG", help="the language to translate into: fr or en")
    for verb in (chat, translate):
        verb.add_argument("--threads", type=int, default=0, help="threads to use (default: all that this process may)")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse a command line.

    argparse takes an optional positional as absent once an option has come, so `translate MODEL --to fr TEXT` would
    leave TEXT over; what is left over is given its place here.
    """
    parser = build_parser()
    options, rest = parser.parse_known_args(arguments)
    words = [word for word in rest if not word.startswith("-")]
    if words == rest and options.verb == "translate" and options.text is None and len(rest) == 1:
        options.text = rest[0]
    elif words == rest and options.verb in ("sources", "curate"):
        options.files += rest
    elif rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        arguments: Without the program's name; those of the process by default.
    """
    options = parse(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _run(options)
    except FournilError as error:
        print(f"fournil: {error}", file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        print("\nfournil: stopped. The same command goes on from here.", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _run(options: argparse.Namespace) -> int:
    if options.verb is None:
        from fournil.apps.inspect import draw_flow

        return draw_flow(sys.stdout)
    if options.verb in ("show", "why", "verify"):
        return _look(options)
    if options.verb in ("chat", "translate"):
        return _use(options)
    if options.verb in STAGE_VERBS and options.settings:
        from fournil.apps.inspect import print_settings

        return print_settings(options.verb, sys.stdout)
    if options.verb == "tokenizer" and options.what:
        return _audit(options)
    return _bake(options)


def _bake(options: argparse.Namespace) -> int:
    from fournil.alone import recipe_for_files
    from fournil.baking import bake_and_tell, spare_other_programs
    from fournil.recipe import read_recipe

    spare_other_programs()
    path = options.recipe
    if path is not None:
        recipe = read_recipe(path, options.set)
        run = options.run or Path("runs") / recipe.head.name
    else:
        recipe = recipe_for_files(options)
        run = options.run or options.out
    until = None if options.verb == "bake" or path is None else options.verb
    return bake_and_tell(recipe, run, threads=options.threads, quiet=options.quiet, until=until)


def _look(options: argparse.Namespace) -> int:
    if options.verb == "show":
        from fournil.apps.inspect import show

        return show(options.run, sys.stdout, as_json=options.json)
    if options.verb == "why":
        from fournil.apps.inspect import why

        return why(options.run, options.id, sys.stdout, as_json=options.json)
    from fournil.flow import verify

    wrong = verify(options.run)
    print("\n".join(wrong) if wrong else f"{options.run}: every file is what the ledger says")
    return EXIT_FAILED if wrong else EXIT_DONE


def _use(options: argparse.Namespace) -> int:
    from fournil.apps import chat

    _set_threads(options.threads)
    if options.verb == "translate":
        return chat.translate_command(options.model, options.to, options.text)
    return chat.chat_command(
        options.model, temperature=options.temperature, max_new_tokens=options.max_new_tokens, seed=options.seed
    )


def _set_threads(threads: int) -> None:
    if threads:
        os.environ["OMP_NUM_THREADS"] = str(threads)


def _audit(options: argparse.Namespace) -> int:
    from fournil.alone import texts_by_language
    from fournil.baking import make_context
    from fournil.stages.tokenizer.audit import audit_command

    if options.what[0] != "audit" or len(options.what) != 2:
        what = f"tokenizer takes `audit TOKENIZER` or --recipe, not {' '.join(options.what)!r}"
        raise FournilError(
            what, fix="Try: fournil tokenizer audit FOLDER --text fr=FILE --text en=FILE", code=EXIT_USAGE
        )
    context = make_context(threads=options.threads, quiet=options.quiet)
    return audit_command(Path(options.what[1]), texts_by_language(options.text), context)


if __name__ == "__main__":
    sys.exit(main())
