"""The ingredients: what the model read, per hundred tokens, written like the label on a packet of food."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from fournil.stages.report.charts import stacked, swatch
from fournil.stages.report.layout import references, shade
from fournil.stages.report.markup import Html, tag
from fournil.stages.report.numbers import language_name, number, plural, short, size, whole
from fournil.stages.report.story import Entry, Story, dig, rows, table

MOST_SOURCES = 5
MOST_LICENCES = 6
MOST_LICENCE_CHARACTERS = 40
UNSTATED = "LicenseRef-not-stated"
"""The licence of files that came without one."""
PAIRS = "pairs"


@dataclass(frozen=True)
class Recipe:
    """What went in: group → source → amount."""

    unit: str
    """`tokens` or `bytes`."""
    verb: str
    amounts: dict[str, dict[str, float]]
    entries: tuple[Entry, ...]

    @property
    def total(self) -> float:
        """The sum of all amounts."""
        return sum(sum(group.values()) for group in self.amounts.values())


def ingredients(story: Story) -> Html | None:
    """Draw the label; None when no text went in, or all of it only measured a model from elsewhere."""
    if story.one("evaluate") and not (story.one("pretrain") or story.one("curate")):
        return None
    recipe = _tokens_read(story) or _bytes_kept(story) or _bytes_read(story)
    if recipe is None or not recipe.total:
        return None
    total, titles = recipe.total, source_titles(story)
    order = sorted(recipe.amounts, key=lambda group: (_rank(group, story), group))
    strip = stacked([(sum(recipe.amounts[group].values()) / total, shade(group, story)) for group in order])
    lines: list[Html] = []
    for group in order:
        amounts = recipe.amounts[group]
        name = tag("th", swatch(shade(group, story)), " ", _group_name(group), scope="row")
        lines.append(tag("tr", name, tag("td", _part(sum(amounts.values()), total), class_="n"), class_="group"))
        ranked = sorted(amounts.items(), key=lambda item: (-item[1], item[0]))
        shown, rest = ranked[:MOST_SOURCES], ranked[MOST_SOURCES:]
        if len(rest) == 1:
            shown, rest = ranked, []
        for key, amount in shown:
            name = tag("th", titles.get(key, key), scope="row")
            lines.append(tag("tr", name, tag("td", _part(amount, total), class_="n")))
        if rest:
            name = tag("th", f"{len(rest)} smaller sources", scope="row")
            lines.append(tag("tr", name, tag("td", _part(sum(amount for _, amount in rest), total), class_="n")))
    amount = f"{short(total)} tokens" if recipe.unit == "tokens" else size(total)
    head = tag("tr", tag("th", recipe.verb, scope="col"), tag("th", f"per 100 {recipe.unit}", scope="col", class_="n"))
    body = tag(
        "table",
        tag("caption", f"Shares of what was {recipe.verb.lower()}", class_="hearing"),
        tag("thead", head),
        tag("tbody", *lines),
        tag("tfoot", tag("tr", tag("th", f"{amount} in all", scope="row", colspan=2))),
    )
    return tag(
        "section",
        tag("div", tag("h2", "Ingredients", id="ingredients-title"), references(recipe.entries), class_="heading"),
        strip,
        body,
        *_notes(story),
        id="ingredients",
        class_="label",
        aria_labelledby="ingredients-title",
    )


def source_titles(story: Story) -> dict[str, str]:
    """Return what each source is called."""
    entry = story.one("sources")
    found = rows(entry.fact("sources")) if entry else []
    return {str(one.get("key")): str(one.get("title") or one.get("key")) for one in found}


def _tokens_read(story: Story) -> Recipe | None:
    entry = story.one("pretrain")
    seen = rows(entry.fact("tokens_by_source")) if entry else []
    amounts: dict[str, dict[str, float]] = defaultdict(dict)
    for row in seen:
        amount = number(row.get("tokens_seen"))
        if amount:
            group = PAIRS if row["group"] == "parallel" else str(row["group"])
            amounts[group][str(row["source"])] = amounts[group].get(str(row["source"]), 0) + amount
    return Recipe("tokens", "Read in training", dict(amounts), (entry,)) if entry and amounts else None


def _bytes_kept(story: Story) -> Recipe | None:
    entry = story.one("curate")
    amounts: dict[str, dict[str, float]] = defaultdict(dict)
    for kind in ("documents", "pairs"):
        for row in rows(entry.fact(kind, "by_source")) if entry else []:
            group = PAIRS if kind == "pairs" else str(row.get("language") or "und")
            amount = (number(row.get("bytes_train")) or 0) + (number(row.get("bytes_heldout")) or 0)
            if amount:
                amounts[group][str(row["source"])] = amounts[group].get(str(row["source"]), 0) + amount
    return Recipe("bytes", "Kept", dict(amounts), (entry,)) if entry and amounts else None


def _bytes_read(story: Story) -> Recipe | None:
    entry = story.one("sources")
    amounts: dict[str, dict[str, float]] = defaultdict(dict)
    for one in rows(entry.fact("sources")) if entry else []:
        for kind in ("documents", "pairs"):
            for language, found in table(dig(one, kind, "languages")).items():
                group = PAIRS if kind == "pairs" else language
                amounts[group][str(one["key"])] = amounts[group].get(str(one["key"]), 0) + found["bytes"]
    return Recipe("bytes", "Read", dict(amounts), (entry,)) if entry and amounts else None


def _notes(story: Story) -> list[Html]:
    """Licences, what was masked, what was held out: the small print of a label."""
    found = []
    source, curate = story.one("sources"), story.one("curate")
    licences: dict[str, int] = defaultdict(int)
    for one in rows(source.fact("sources")) if source else []:
        for kind in ("documents", "pairs"):
            for licence, count in table(dig(one, kind, "licences")).items():
                licences[licence] += count
    if licences:
        ranked = sorted(licences.items(), key=lambda item: (-item[1], item[0]))
        listed = ", ".join(f"{_brief(licence)} ({whole(count)})" for licence, count in ranked[:MOST_LICENCES])
        rest = len(ranked) - MOST_LICENCES
        more = f" and {plural(rest, 'others')}" if rest > 0 else ""
        found.append(tag("p", tag("b", "Licences: "), listed, more, "."))
    masked = _masked(curate)
    if masked:
        found.append(tag("p", tag("b", "Masked: "), masked, "."))
    heldout = table(curate.fact("heldout")) if curate else {}
    if heldout:
        documents, pairs = heldout.get("num_documents_kept"), heldout.get("num_pairs_kept")
        parts = [plural(count, unit) for count, unit in ((documents, "documents"), (pairs, "pairs")) if count]
        text = f"{' and '.join(parts)}, never trained on." if parts else "nothing."
        found.append(tag("p", tag("b", "Set aside: "), text))
    return found


def _brief(licence: str) -> str:
    """A long expression by its first licence; the table of sources has it whole."""
    if licence == UNSTATED:
        return "none stated"
    first = licence.split(" ")[0].strip("(")
    return (
        licence
        if len(licence) <= MOST_LICENCE_CHARACTERS
        else f"{first} with {licence.count(' AND ') + licence.count(' OR ')} others"
    )


def _masked(curate: Entry | None) -> str:
    found: dict[str, int] = defaultdict(int)
    for kind in ("documents", "pairs"):
        for name, count in table(curate.fact("edits", kind)).items() if curate else ():
            step, _, rule = name.partition("/")
            if "personal" in step and rule and isinstance(count, int):
                found[rule] += count
    return ", ".join(f"{whole(count)} {MASKS.get(rule, rule)}" for rule, count in sorted(found.items()) if count)


MASKS = {
    "e-mail": "e-mail addresses",
    "phone": "telephone numbers",
    "ip": "IP addresses",
    "iban": "IBANs",
    "nir": "NIRs",
}


def _part(amount: float, total: float) -> str:
    share = 100 * amount / total
    return f"{share:.1f}" if share >= 0.05 else "< 0.1"


def _group_name(group: str) -> str:
    return {PAIRS: "Translation pairs", "code": "Program code"}.get(group, language_name(group))


def _rank(group: str, story: Story) -> int:
    return story.languages.index(group) if group in story.languages else 100 if group != PAIRS else 50
