"""The verbs perplexity and classifier: `train` makes a model, `score` asks it about files."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pyarrow as pa

from fournil.core.columns import aligned
from fournil.core.errors import EXIT_DONE, EXIT_USAGE, FournilError
from fournil.core.speech import figure, tr, trn
from fournil.parts.text.classifier import load_classifier, save_classifier, train_classifier
from fournil.parts.text.ngram_lm import load_model, save_model, train_model
from fournil.parts.text.reading import read_rows, read_texts

_BATCH_BYTES = 1 << 22
_PERCENTS = (10, 50, 90)


def perplexity_command(
    action: str,
    files: Sequence[Path],
    file: TextIO,
    *,
    language: str | None = None,
    out: Path | None = None,
    column: str = "text",
    as_json: bool = False,
) -> int:
    """Train a perplexity model on clean text, or say how surprising files are to one.

    Args:
        action: `train` or `score`.
        files: Clean text; or a model's folder and files.
        file: Where the result is said.
        language: Of the text, for `train`.
        out: Where the model goes, for `train`.
        column: With the text, in Parquet files and JSON lines.
        as_json: Say it as JSON.

    Raises:
        FournilError: A word is missing, a file cannot be read, or there is too little text.
    """
    if action == "score":
        folder, paths = _model_and_files(files, "perplexity")
        model = load_model(folder)
        ends = [model.at(30), model.at(60)]
        return _score(paths, column, model.score, lambda found: _buckets(found, ends), file, as_json=as_json)
    if language is None or out is None:
        example = "fournil perplexity train FILES --language fr -o FOLDER"
        raise FournilError(
            tr("perplexity train needs --language and -o"), fix=tr("Try: {command}", command=example), code=EXIT_USAGE
        )
    began = time.perf_counter()
    model = train_model(read_texts(files, column=column), language)
    save_model(model, out)
    if as_json:
        print(json.dumps({"percentiles": model.percentiles, **model.facts}, ensure_ascii=False), file=file)
        return EXIT_DONE
    seconds = time.perf_counter() - began
    megabytes = model.facts["num_bytes"] / 1e6
    print(tr("{megabytes:.1f} MB read, {seconds:.0f} s", megabytes=megabytes, seconds=seconds), file=file)
    print(
        tr(
            "{pieces:,} pieces; {runs:,} runs of up to {order} pieces; {size:.0f} MB in {folder}",
            pieces=len(model.vocabulary), runs=model.facts["num_runs"], order=model.order,
            size=sum(path.stat().st_size for path in out.iterdir()) / 1e6, folder=out,
        ),
        file=file,
    )  # fmt: skip
    print(
        tr(
            "perplexity of text kept aside: 10 % below {low:.0f}, 50 % below {middle:.0f}, 99 % below {most:.0f}",
            low=model.at(10), middle=model.at(50), most=model.at(99),
        ),
        file=file,
    )  # fmt: skip
    return EXIT_DONE


def classifier_command(
    action: str,
    files: Sequence[Path],
    file: TextIO,
    *,
    label: str = "label",
    positive: float | None = None,
    out: Path | None = None,
    column: str = "text",
    as_json: bool = False,
) -> int:
    """Train a classifier from labels, or ask one about files.

    Args:
        action: `train` or `score`.
        files: Labelled texts; or a classifier's folder and files.
        file: Where the result is said.
        label: The column with the labels: true and false, 0 and 1, or grades.
        positive: Labels are grades, and those from here on count as true.
        out: Where the classifier goes, for `train`.
        column: With the text, in Parquet files and JSON lines.
        as_json: Say it as JSON.

    Raises:
        FournilError: A word is missing, a file cannot be read, a label is none, or there are too few.
    """
    if action == "score":
        folder, paths = _model_and_files(files, "classifier")
        classifier = load_classifier(folder)
        return _score(paths, column, classifier.score, lambda found: {}, file, as_json=as_json)
    if out is None:
        example = "fournil classifier train LABELS.jsonl -o FOLDER"
        raise FournilError(tr("classifier train needs -o"), fix=tr("Try: {command}", command=example), code=EXIT_USAGE)
    classifier = train_classifier(_labelled(files, column, label, positive))
    save_classifier(classifier, out)
    held = classifier.facts["held_out"]
    if as_json:
        print(json.dumps(dict(classifier.facts), ensure_ascii=False), file=file)
        return EXIT_DONE
    print(
        trn(
            "learned from {count:,} text, {positive:,} of the kind, in {folder}",
            "learned from {count:,} texts, {positive:,} of the kind, in {folder}",
            classifier.facts["num_texts"], positive=classifier.facts["num_positive"], folder=out,
        ),
        file=file,
    )  # fmt: skip
    if held["auc"] is None:
        print(tr("too few texts kept aside to say how well"), file=file)
        return EXIT_DONE
    print(tr("texts kept aside: area under the curve {auc:.3f}", auc=held["auc"]), file=file)
    table = [[tr("score from"), tr("share kept"), tr("precision"), tr("recall")]]
    for row in held["thresholds"]:
        precision = "-" if row["precision"] is None else figure(f"{row['precision']:.0%}")
        table.append(
            [
                figure(f"{row['threshold']:.1f}"),
                figure(f"{row['share']:.0%}"),
                precision,
                figure(f"{row['recall']:.0%}"),
            ]
        )
    print("\n".join(aligned(table, right=(1, 2, 3))), file=file)
    return EXIT_DONE


def _model_and_files(files: Sequence[Path], verb: str) -> tuple[Path, list[Path]]:
    if len(files) < 2:
        command = f"fournil {verb} score FOLDER FILES"
        raise FournilError(
            tr("score takes a model's folder and files"), fix=tr("Try: {command}", command=command), code=EXIT_USAGE
        )
    return files[0], list(files[1:])


def _labelled(files: Sequence[Path], column: str, label: str, positive: float | None) -> Iterator[tuple[str, bool]]:
    for path in files:
        for number, row in enumerate(read_rows([path], columns=(column, label)), start=1):
            text, value = row[column], row[label]
            if not isinstance(value, bool | int | float) or (positive is None and value not in (0, 1)):
                raise FournilError(
                    tr("row {number}: the label {value!r} is neither true nor false", number=number, value=str(value)),
                    where=path,
                    fix=tr("Labels are true and false, 0 and 1, or grades with --positive NUMBER."),
                )
            if isinstance(text, str) and text:
                yield text, bool(value) if positive is None else value >= positive


def _batches(texts: Iterator[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text)
        if size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _score(
    paths: Sequence[Path],
    column: str,
    score: Callable[[pa.Array], np.ndarray],
    more: Callable[[np.ndarray], Mapping[str, float]],
    file: TextIO,
    *,
    as_json: bool,
) -> int:
    rows: list[dict[str, Any]] = []
    for path in paths:
        texts = _batches(read_texts([path], column=column))
        parts = [score(pa.array(batch, pa.large_string())) for batch in texts]
        found = np.concatenate([np.zeros(0), *parts])
        judged = found[np.isfinite(found)]
        row: dict[str, Any] = {"path": str(path), "num_texts": len(found)}
        if len(judged):
            row |= {f"p{percent}": float(f"{np.percentile(judged, percent):.4g}") for percent in _PERCENTS}
            row |= more(judged)
        rows.append(row)
    if as_json:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False), file=file)
        return EXIT_DONE
    names = dict.fromkeys(name for row in rows for name in row)
    heads = {
        "path": tr("file"), "num_texts": tr("texts"), "p10": figure("10 %"), "p50": figure("50 %"),
        "p90": figure("90 %"), "head": tr("head"), "middle": tr("middle"), "tail": tr("tail"),
    }  # fmt: skip
    table = [[heads[name] for name in names]]
    table += [[_cell(name, row.get(name)) for name in names] for row in rows]
    print("\n".join(aligned(table, right=range(1, len(names)))), file=file)
    return EXIT_DONE


def _cell(name: str, value: str | float | None) -> str:
    if value is None or isinstance(value, str):
        return value or "-"
    return figure(
        f"{value:.0%}" if name in ("head", "middle", "tail") else f"{value:,.4g}" if value < 10 else f"{value:,.0f}"
    )


def _buckets(found: np.ndarray, ends: list[float]) -> dict[str, float]:
    places = np.searchsorted(ends, found, side="left")
    shares = np.bincount(places, minlength=3) / len(found)
    return dict(zip(("head", "middle", "tail"), (round(float(share), 4) for share in shares), strict=True))
