from importlib import resources
from pathlib import Path

import pytest

from fournil.core.document import DOCUMENTS, PAIRS, document_row, pair_row
from fournil.core.shards import ShardWriter


@pytest.fixture(scope="session")
def curated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The text that ships in the package, as the curate stage would leave it."""
    root = resources.files("fournil.data") / "mie"
    out = tmp_path_factory.mktemp("curate")
    documents, pairs = [], []
    for language, folder in (("fr", "fr"), ("en", "en"), ("code", "code")):
        for path in sorted((root / folder).iterdir(), key=lambda path: path.name):
            if path.name.endswith((".txt", ".py")):
                text = path.read_text(encoding="utf-8")
                name = f"mie/{language}/{path.name}"
                documents.append(document_row(name, text, source="mie", licence="CC0-1.0", language=language))
    sides = ({row["id"][7:]: row["text"] for row in documents if row["language"] == tag} for tag in ("fr", "en"))
    french, english = sides
    for name in sorted(french.keys() & english.keys()):
        lines = zip(french[name].splitlines(), english[name].splitlines(), strict=False)
        for number, (fr, en) in enumerate(lines):
            if fr and en:
                texts = {"fr": fr, "en": en}
                pairs.append(pair_row(f"lines/{name}-{number}", texts, source="lines", licence="CC0-1.0"))
    for rows, schema, kind in ((documents, DOCUMENTS, "documents"), (pairs, PAIRS, "pairs")):
        with (
            ShardWriter(out / kind, schema, max_bytes=20_000) as train,
            ShardWriter(out / "heldout" / kind, schema) as heldout,
        ):
            for number, row in enumerate(rows):
                (heldout if number % 10 == 3 else train).write_rows([row])
    return out
