"""The ingredients: what the model read, per hundred tokens, written like the label on a packet of food."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from fournil.core.speech import mark, retell, tr, trn
from fournil.stages.report.charts import stacked, swatch
from fournil.stages.report.layout import named, references, shade
from fournil.stages.report.markup import Html, rich, tag
from fournil.stages.report.numbers import capitalised, count, decimal, language_name, number, short_tokens, size, whole
from fournil.stages.report.sections.opening import documents_and_pairs
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

    in_tokens: bool
    """Whether amounts are tokens, not bytes."""
    verb: str
    caption: str
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
        name = tag("th", swatch(shade(group, story)), " ", capitalised(_group_name(group)), scope="row")
        lines.append(tag("tr", name, tag("td", _part(sum(amounts.values()), total), class_="n"), class_="group"))
        ranked = sorted(amounts.items(), key=lambda item: (-item[1], item[0]))
        shown, rest = ranked[:MOST_SOURCES], ranked[MOST_SOURCES:]
        if len(rest) == 1:
            shown, rest = ranked, []
        for key, amount in shown:
            name = tag("th", titles.get(key, key), scope="row")
            lines.append(tag("tr", name, tag("td", _part(amount, total), class_="n")))
        if rest:
            said = trn("{count:,} smaller source", "{count:,} smaller sources", len(rest))
            name = tag("th", said, scope="row")
            lines.append(tag("tr", name, tag("td", _part(sum(amount for _, amount in rest), total), class_="n")))
    per_hundred = tr("per 100 tokens") if recipe.in_tokens else tr("per 100 bytes")
    amount = short_tokens(total) if recipe.in_tokens else size(total)
    head = tag("tr", tag("th", recipe.verb, scope="col"), tag("th", per_hundred, scope="col", class_="n"))
    body = tag(
        "table",
        tag("caption", recipe.caption, class_="hearing"),
        tag("thead", head),
        tag("tbody", *lines),
        tag("tfoot", tag("tr", tag("th", tr("{amount} in all", amount=amount), scope="row", colspan=2))),
    )
    title = tag("h2", tr("Ingredients"), id="ingredients-title")
    return tag(
        "section",
        tag("div", title, references(recipe.entries), class_="heading"),
        strip,
        body,
        *_notes(story),
        id="ingredients",
        class_="label",
        aria_labelledby="ingredients-title",
    )


def source_titles(story: Story) -> dict[str, Html]:
    """Return what each source is called, in the language of its title."""
    entry = story.one("sources")
    found = rows(entry.fact("sources")) if entry else []
    return {str(one.get("key")): named(str(one.get("title") or one.get("key"))) for one in found}


def _tokens_read(story: Story) -> Recipe | None:
    entry = story.one("pretrain")
    seen = rows(entry.fact("tokens_by_source")) if entry else []
    amounts: dict[str, dict[str, float]] = defaultdict(dict)
    for row in seen:
        amount = number(row.get("tokens_seen"))
        if amount:
            group = PAIRS if row["group"] == "parallel" else str(row["group"])
            amounts[group][str(row["source"])] = amounts[group].get(str(row["source"]), 0) + amount
    if entry is None or not amounts:
        return None
    return Recipe(True, tr("Read in training"), tr("Shares of what was read in training"), dict(amounts), (entry,))


def _bytes_kept(story: Story) -> Recipe | None:
    entry = story.one("curate")
    amounts: dict[str, dict[str, float]] = defaultdict(dict)
    for kind in ("documents", "pairs"):
        for row in rows(entry.fact(kind, "by_source")) if entry else []:
            group = PAIRS if kind == "pairs" else str(row.get("language") or "und")
            amount = (number(row.get("bytes_train")) or 0) + (number(row.get("bytes_heldout")) or 0)
            if amount:
                amounts[group][str(row["source"])] = amounts[group].get(str(row["source"]), 0) + amount
    if entry is None or not amounts:
        return None
    return Recipe(False, tr("Kept"), tr("Shares of what was kept"), dict(amounts), (entry,))


def _bytes_read(story: Story) -> Recipe | None:
    entry = story.one("sources")
    amounts: dict[str, dict[str, float]] = defaultdict(dict)
    for one in rows(entry.fact("sources")) if entry else []:
        for kind in ("documents", "pairs"):
            for language, found in table(dig(one, kind, "languages")).items():
                group = PAIRS if kind == "pairs" else language
                amounts[group][str(one["key"])] = amounts[group].get(str(one["key"]), 0) + found["bytes"]
    if entry is None or not amounts:
        return None
    return Recipe(False, tr("Read"), tr("Shares of what was read"), dict(amounts), (entry,))


def _notes(story: Story) -> list[Html]:
    """Licences, what was masked, what was held out: the small print of a label."""
    found = []
    source, curate = story.one("sources"), story.one("curate")
    licences: dict[str, int] = defaultdict(int)
    for one in rows(source.fact("sources")) if source else []:
        for kind in ("documents", "pairs"):
            for licence, number_of in table(dig(one, kind, "licences")).items():
                licences[licence] += count(number_of)
    if licences:
        found.append(rich(mark("<b>Licences:</b> {licences}.", licences=_listed(licences))))
    masked = _masked(curate)
    if masked:
        found.append(rich(mark("<b>Masked:</b> {masked}.", masked=masked)))
    heldout = table(curate.fact("heldout")) if curate else {}
    if heldout:
        amount = documents_and_pairs(count(heldout.get("num_documents_kept")), count(heldout.get("num_pairs_kept")))
        aside = mark("<b>Set aside:</b> {amount}, never trained on.", amount=amount)
        found.append(rich(aside if amount else mark("<b>Set aside:</b> nothing.")))
    return [tag("p", said) for said in found]


def _listed(licences: dict[str, int]) -> str:
    """The most frequent licences with how many texts have each."""
    ranked = sorted(licences.items(), key=lambda item: (-item[1], item[0]))
    listed = ", ".join(
        tr("{licence} ({number})", licence=_brief(licence), number=whole(number_of))
        for licence, number_of in ranked[:MOST_LICENCES]
    )
    rest = len(ranked) - MOST_LICENCES
    if rest <= 0:
        return listed
    return trn("{listed} and {count:,}\u00a0other", "{listed} and {count:,}\u00a0others", rest, listed=listed)


def _brief(licence: str) -> str:
    """A long expression by its first licence; the table of sources has it whole."""
    if licence == UNSTATED:
        return tr("none stated")
    if len(licence) <= MOST_LICENCE_CHARACTERS:
        return licence
    others = licence.count(" AND ") + licence.count(" OR ")
    first = licence.split(" ")[0].strip("(")
    return trn("{licence} with {count:,} other", "{licence} with {count:,} others", others, licence=first)


def _masked(curate: Entry | None) -> str:
    found: dict[str, int] = defaultdict(int)
    for kind in ("documents", "pairs"):
        for name, number_of in table(curate.fact("edits", kind)).items() if curate else ():
            step, _, rule = name.partition("/")
            if "personal" in step and rule and isinstance(number_of, int):
                found[rule] += number_of
    return ", ".join(mask(rule, number_of) for rule, number_of in sorted(found.items()) if number_of)


def mask(rule: str, number_of: int) -> str:
    """Say how much was masked of one kind of personal data."""
    match rule:
        case "e-mail":
            return trn("{count:,} e-mail address", "{count:,} e-mail addresses", number_of)
        case "phone":
            return trn("{count:,} telephone number", "{count:,} telephone numbers", number_of)
        case "ip":
            return trn("{count:,} IP address", "{count:,} IP addresses", number_of)
        case "iban":
            return trn("{count:,} IBAN", "{count:,} IBANs", number_of)
        case "nir":
            return trn("{count:,} NIR", "{count:,} NIRs", number_of)
        case "card":
            return trn("{count:,} payment card", "{count:,} payment cards", number_of)
        case "siren" | "siret":
            return trn("{count:,} {rule} number", "{count:,} {rule} numbers", number_of, rule=rule.upper())
        case "tax-number":
            return trn("{count:,} tax number", "{count:,} tax numbers", number_of)
        case "key":
            return trn("{count:,} key of an interface", "{count:,} keys of interfaces", number_of)
        case "password":
            return trn("{count:,} password", "{count:,} passwords", number_of)
        case "birth-date":
            return trn("{count:,} date of birth", "{count:,} dates of birth", number_of)
        case "address":
            return trn("{count:,} postal address", "{count:,} postal addresses", number_of)
    return tr("{number} {rule}", number=whole(number_of), rule=rule)


def _part(amount: float, total: float) -> str:
    share = 100 * amount / total
    return decimal(share, 1) if share >= 0.05 else f"< {decimal(0.1, 1)}"


GROUPS = {PAIRS: mark("translation pairs"), "code": mark("program code")}


def _group_name(group: str) -> str:
    return retell(GROUPS[group]) if group in GROUPS else language_name(group)


def _rank(group: str, story: Story) -> int:
    return story.languages.index(group) if group in story.languages else 100 if group != PAIRS else 50
