"""The form of the French hard cases for filters of documents (tests/data/hard_cases): no filter is run here."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "data" / "hard_cases"

KINDS = {
    "about_the_web",
    "adult_spam",
    "advert",
    "bilingual",
    "boilerplate",
    "capitals",
    "code_dump",
    "code_mixed",
    "comment_spam",
    "cookie_notice",
    "creole",
    "dialogue",
    "dictionary",
    "exercise",
    "faq",
    "form",
    "forum",
    "health",
    "keyword_stuffing",
    "law",
    "letter",
    "list",
    "litany",
    "lorem",
    "machine_translated",
    "menu",
    "minutes",
    "mojibake",
    "ocr_noise",
    "old_french",
    "pattern",
    "poem",
    "product_list",
    "quebecois",
    "random",
    "recipe",
    "regional",
    "repeated",
    "sms",
    "spam",
    "speech",
    "strong_language",
    "subtitles",
    "table",
    "technical",
    "template",
    "theatre",
    "truncated",
}
LANGUAGES = {"fr", "fr-BE", "fr-CA", "fr-CH", "fr-CI", "gcf", "gcr", "rcf", "ht", "pcd", "fro", "frm"}
FIELDS = ["id", "kind", "language", "verdict", "reason", "text"]


def cases() -> list[dict[str, str]]:
    lines = (FOLDER / "fr.jsonl").read_text(encoding="utf-8").split("\n")
    assert lines.pop() == "", "the last line ends with a newline"
    return [json.loads(line) for line in lines]


def test_every_case_has_its_fields_and_known_values() -> None:
    for case in cases():
        assert list(case) == FIELDS, case.get("id")
        assert all(isinstance(value, str) and value.strip() == value and value for value in case.values()), case["id"]
        assert case["kind"] in KINDS, case["id"]
        assert case["language"] in LANGUAGES, case["id"]
        assert case["verdict"] in {"keep", "refuse"}, case["id"]
        assert re.fullmatch(r"[A-Z«].{15,200}\.", case["reason"]), case["id"]


def test_no_kind_of_the_list_is_without_a_case() -> None:
    assert {case["kind"] for case in cases()} == KINDS


def test_ids_count_up_without_gaps() -> None:
    assert [case["id"] for case in cases()] == [f"hard-fr-{number:03d}" for number in range(1, len(cases()) + 1)]


def test_enough_cases_of_both_verdicts() -> None:
    verdicts = Counter(case["verdict"] for case in cases())
    assert verdicts.total() >= 200
    assert verdicts["keep"] >= 140
    assert verdicts["refuse"] >= 60


def test_the_kind_does_not_give_the_verdict_away() -> None:
    both = [kind for kind in KINDS if len({case["verdict"] for case in cases() if case["kind"] == kind}) == 2]
    assert len(both) >= 10, both


def test_the_readme_counts_what_stands_in_the_file() -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    verdicts = Counter(case["verdict"] for case in cases())
    assert f"{verdicts.total()} documents: {verdicts['keep']} to keep, {verdicts['refuse']} to refuse" in page
    for field in ("kind", "language"):
        counts = Counter((case[field], case["verdict"]) for case in cases())
        for value in {value for value, _ in counts}:
            assert f"| `{value}` | {counts[value, 'keep']} | {counts[value, 'refuse']} |" in page, value


def test_texts_have_the_length_of_short_documents() -> None:
    for case in cases():
        assert 150 <= len(case["text"]) <= 4000, (case["id"], len(case["text"]))


def test_no_text_stands_twice_whatever_its_typography() -> None:
    bare = [re.sub(r"\W+", " ", case["text"]).casefold().strip() for case in cases()]
    assert [text for text, count in Counter(bare).items() if count > 1] == []
    assert [reason for reason, count in Counter(case["reason"] for case in cases()).items() if count > 1] == []


def test_texts_that_share_a_long_passage_are_not_the_same_case() -> None:
    """No passage of twelve words (figures aside) stands in two texts: each case is written anew."""
    seen: dict[tuple[str, ...], str] = {}
    for case in cases():
        words = re.findall(r"[^\W\d]+", case["text"].casefold())
        for start in range(len(words) - 11):
            passage = tuple(words[start : start + 12])
            assert seen.setdefault(passage, case["id"]) == case["id"], (passage, seen[passage], case["id"])


@pytest.mark.parametrize("pattern", [r"/work\b", r"/tmp\b", r"\bTODO\b"])
def test_nothing_of_a_workplace_is_left_in_the_texts(pattern: str) -> None:
    assert [case["id"] for case in cases() if re.search(pattern, case["text"])] == []


def test_sites_and_addresses_are_of_reserved_domains() -> None:
    named = re.findall(
        r"https?://([\w.-]*\w)|@([\w-]+\.[\w.-]*\w)|www\.([\w.-]*\w)", (FOLDER / "fr.jsonl").read_text("utf-8")
    )
    domains = {next(part for part in parts if part) for parts in named}
    assert domains, "advertisements name sites"
    assert [name for name in domains if not re.search(r"(^|\.)(example(\.(com|org|net))?|invalid|test)$", name)] == []
