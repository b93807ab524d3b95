"""The command line: verbs only. What a verb needs is imported when it is called."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from fournil.arguments import HARNESS, STAGE_VERBS, build_parser, language_asked, parse
from fournil.core.errors import EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED, EXIT_USAGE, FournilError
from fournil.core.speech import speak, tr
from fournil.core.streams import open_streams
from fournil.leaving import SHOW_TRACEBACK, interruptible, say_bug, say_interrupted, say_refused

__all__ = ["STAGE_VERBS", "build_parser", "language_asked", "main", "parse"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        arguments: Without the program's name; those of the process by default.
    """
    open_streams()
    words = sys.argv[1:] if arguments is None else arguments
    speak(language_asked(words))
    goes_on = not {"bake", *STAGE_VERBS}.isdisjoint(words)
    whole = "--traceback" in words or bool(os.environ.get(SHOW_TRACEBACK))
    try:
        with interruptible(goes_on=goes_on):
            options = parse(words)
            return _run_by_several(options) if os.environ.get("WORLD_SIZE", "1") != "1" else _run(options)
    except FournilError as error:
        print(tr("fournil: {error}", error=error), file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        return say_interrupted(goes_on)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except MemoryError:
        print(tr("fournil: the memory of this machine is not enough for that"), file=sys.stderr)
        return EXIT_FAILED
    except OSError as error:
        return say_bug(error, whole=True) if whole else say_refused(error)
    except Exception as error:
        return say_bug(error, whole=whole)


def _run_by_several(options: argparse.Namespace) -> int:
    """Under torchrun, the first process runs the verb, and the others help it to train and to score.

    Raises:
        FournilError: The verb does neither.
    """
    if options.verb not in ("bake", "pretrain", "evaluate", HARNESS):
        raise FournilError(
            tr("only bake, pretrain, evaluate and lm-eval run under torchrun"),
            fix=tr("Start it without torchrun."),
            code=EXIT_USAGE,
        )
    from fournil.parts.scoring import ranks, scorer

    if ranks.is_follower():
        try:
            scorer.follow()
        except KeyboardInterrupt:  # the first one says so
            return EXIT_INTERRUPTED
        return EXIT_DONE
    ranks.join()
    try:
        code = _run(options)
    except Exception:  # not when interrupted: the others may be amid their work, and end with torchrun
        ranks.dismiss()
        raise
    ranks.dismiss()
    return code


def _run(options: argparse.Namespace) -> int:
    if options.verb is None:
        from fournil.apps.inspect.flow_picture import draw_flow

        return draw_flow(sys.stdout)
    if options.verb in ("show", "why", "look", "verify", "compare"):
        return _look(options)
    if options.verb in ("chat", "translate"):
        return _use(options)
    if options.verb == "plan":
        return _plan(options)
    if options.verb == "publish":
        from fournil.publishing import publish_page

        return publish_page(options.run, options.page, sys.stdout, force=options.force, quiet=options.quiet)
    if options.verb in ("perplexity", "classifier"):
        return _text_model(options)
    if options.verb == HARNESS:
        from fournil.apps.lm_eval import harness_command

        return harness_command(options.words, whole=_whole(options))
    if options.verb in STAGE_VERBS and options.settings:
        from fournil.apps.inspect.flow_picture import print_settings

        return print_settings(options.verb, sys.stdout)
    if options.verb == "tokenizer" and options.what:
        return _audit(options)
    return _bake(options)


def _whole(options: argparse.Namespace) -> bool:
    return getattr(options, "traceback", False) or bool(os.environ.get(SHOW_TRACEBACK))


def _bake(options: argparse.Namespace) -> int:
    from fournil.alone import recipe_for_files, task_settings
    from fournil.baking import bake_and_tell, choose_recipe, spare_other_programs

    spare_other_programs()
    if getattr(options, "mirror", None):
        options.set += ['sources.fetch="mirror"', f"sources.mirror={_quoted(options.mirror)}"]
    paths = options.recipes if options.verb == "bake" else [options.recipe] if options.recipe else []
    if options.verb == "evaluate" and paths:
        options.set += [f"evaluate.{name}={_quoted(value)}" for name, value in task_settings(options).items()]
    if paths:
        recipe = choose_recipe(paths, options.set, options.run, quiet=options.quiet)
        run = options.run or Path("runs") / recipe.head.name
    else:
        recipe = recipe_for_files(options)
        run = options.run or options.out
    until = None if options.verb == "bake" or not paths else options.verb
    return bake_and_tell(recipe, run, threads=options.threads, quiet=options.quiet, until=until)


def _plan(options: argparse.Namespace) -> int:
    from fournil.baking import available_threads, device_here, spare_other_programs
    from fournil.planning import plan_command
    from fournil.recipe import read_recipe

    spare_other_programs()
    hardware = [f"plan.hardware={_quoted(options.hardware)}"] if options.hardware else []
    recipe = read_recipe(options.recipe, [*options.set, *hardware])
    run = options.run or Path("runs") / recipe.head.name
    threads = options.threads or available_threads()
    device = device_here() if recipe.plan is None or recipe.plan.hardware == "here" else "cpu"
    return plan_command(recipe, run, sys.stdout, threads=threads, device=device, as_json=options.json)


def _quoted(value: object) -> str:
    """A setting as TOML writes it: JSON of texts, numbers, truth values and lists of them is the same."""
    import json

    return json.dumps(value, ensure_ascii=False)


def _look(options: argparse.Namespace) -> int:
    if options.verb == "show":
        from fournil.apps.inspect.show import show

        return show(options.run, sys.stdout, as_json=options.json)
    if options.verb == "why":
        from fournil.apps.inspect.why import why

        return why(options.run, options.id, sys.stdout, as_json=options.json)
    if options.verb == "look":
        from fournil.apps.inspect.look.command import Looking, look

        asked = Looking(options.step, options.rule, options.num, options.seed, options.html)
        return look(options.run, asked, sys.stdout)
    if options.verb == "compare":
        from fournil.apps.inspect.compare import compare

        return compare(options.a, options.b, sys.stdout, as_json=options.json)
    from fournil.flow import verify

    wrong = verify(options.run)
    if wrong or not options.quiet:
        print("\n".join(wrong) if wrong else tr("{run}: every file is what the ledger says", run=options.run))
    return EXIT_FAILED if wrong else EXIT_DONE


def _use(options: argparse.Namespace) -> int:
    from fournil.apps import chat

    _set_threads(options.threads)
    if options.verb == "translate":
        return chat.translate_command(options.model, options.to, options.text)
    return chat.chat_command(
        options.model,
        temperature=options.temperature,
        max_new_tokens=options.max_new_tokens,
        seed=options.seed,
        quiet=options.quiet,
    )


def _text_model(options: argparse.Namespace) -> int:
    from fournil.apps.text_models import classifier_command, perplexity_command

    shared = {"out": options.out, "column": options.column, "as_json": options.json}
    if options.verb == "perplexity":
        return perplexity_command(options.action, options.files, sys.stdout, language=options.language, **shared)
    label = {"label": options.label, "positive": options.positive}
    return classifier_command(options.action, options.files, sys.stdout, **label, **shared)


def _set_threads(threads: int) -> None:
    if threads:
        os.environ["OMP_NUM_THREADS"] = str(threads)


def _audit(options: argparse.Namespace) -> int:
    from fournil.alone import texts_by_language
    from fournil.baking import make_context
    from fournil.stages.tokenizer.audit import audit_command

    if options.what[0] != "audit" or len(options.what) != 2:
        raise FournilError(
            tr("tokenizer takes `audit TOKENIZER` or --recipe, not {words!r}", words=" ".join(options.what)),
            fix=tr("Try: {command}", command="fournil tokenizer audit FOLDER --text fr=FILE --text en=FILE"),
            code=EXIT_USAGE,
        )
    context = make_context(threads=options.threads, quiet=options.quiet)
    return audit_command(Path(options.what[1]), texts_by_language(options.text), context)


if __name__ == "__main__":
    sys.exit(main())
