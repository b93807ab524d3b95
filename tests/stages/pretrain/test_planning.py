"""From a recipe's settings to the phases and the mixture of a training."""

# ruff: noqa: E501 - tables: one row a line

from dataclasses import dataclass, replace

import numpy as np
import pytest
from tokenizers import Tokenizer, models

from fournil.core.context import Context
from fournil.core.errors import EXIT_USAGE, FournilError
from fournil.parts.tokenize.shards import TokenShardWriter
from fournil.parts.train.mixture import Mixture
from fournil.recipe import check_recipe, read_recipe
from fournil.stages.pretrain.config import Config, LanguageWeight, Model, Phase, Sampling, Source, SourceWeight
from fournil.stages.pretrain.planning import mixture_facts, plan_mixture, plan_phases, plan_rates, sampling_of, warnings

CONTEXT = Context(languages=("fr", "en"), seed=5)
SIZES = {("fr", "laws"): 3000, ("fr", "songs"): 400, ("en", "laws"): 5000, ("en", "talks"): 800, ("code", "repo"): 900}
PHASE = Phase(steps=20, batch_tokens=128, context_length=32)


@pytest.fixture(scope="module")
def tokenized(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "03-tokenizer"
    words = {word: number for number, word in enumerate(["<unk>", "<s>", "</s>", "<|fr|>", "<|en|>"])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.add_special_tokens(list(words))
    (folder / "tokenizer").mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer" / "tokenizer.json"))
    rows = [(f"{s}/{g}{n}", g, s, 99) for (g, s), size in SIZES.items() for n in range(size // 100)]
    pairs = [(f"mo/{n}", language, "mo", 19) for n in range(50) for language in ("en", "fr")]
    for name, documents in (("train-documents", rows), ("train-pairs", pairs)):
        writer = TokenShardWriter(
            folder / "shards" / name, folder / ".work" / name, vocab_size=9, tokenizer_sha256="0" * 64, eos_id=2
        )
        for key, group, source, size in documents:
            writer.write([np.full(size, 5)], names=[key], languages=[group], sources=[source], num_bytes=[size])
        writer.close()
    return folder


def plan(tokenized, *phases, **options):
    config = Config(phase=phases or (PHASE,), **options)
    return plan_mixture(config, plan_phases(config), tokenized, CONTEXT)


def read(mixture):
    return {(row["group"], row["source"]): row["tokens_seen"] for row in mixture.tokens()}


def test_a_recipe_says_it_all():
    """Main, cooldown on better text, longer context: as a recipe writes them."""
    table = {
        "recipe": {"name": "long"},
        "pretrain": {
            "model": {"max_position_embeddings": 4096},
            "sampling": {"sources": "temperature", "source_temperature": 1.5, "languages": "unimax"},
            "source": [{"source": "songs", "weight": 0.0, "max_epochs": 2.0}],
            "language": [{"language": "fr", "weight": 2.0}],
            "phase": [
                {"tokens": 10**6, "batch_tokens": 8192, "context_length": 1024, "first_batch_tokens": 2048, "ramp_tokens": 10**5},
                {"steps": 40, "batch_tokens": 8192, "context_length": 1024, "parallel": 0.1, "parallel_end": 0.3, "source": [{"source": "songs", "weight": 3.0}]},
                {"steps": 20, "batch_tokens": 8192, "context_length": 4096, "rope_theta": 500_000.0},
            ],
        },
    }  # fmt: skip
    (config,) = check_recipe(table, where="here").stages["pretrain"]
    main, cooldown, longer = plan_phases(config)
    assert main.ramp == ((25, 2), (13, 4))
    assert main.tokens - 10**6 in range(8192)
    assert (cooldown.parallel, cooldown.parallel_end, cooldown.weights) == (0.1, 0.3, {"songs": 3.0})
    rates = plan_rates(config, [main, cooldown, longer])
    assert [phase.rope_theta for phase in rates] == [None, None, 500_000.0]
    assert [phase.steps for phase in rates] == [main.steps, 40, 20]


@pytest.mark.parametrize("steps", range(1, 40))
def test_warm_up_and_decay_that_make_a_whole_fit_whatever_the_steps(steps):
    config = Config(phase=(replace(PHASE, steps=steps, warmup=0.1, decay=0.9),))
    (rates,) = plan_rates(config, plan_phases(config))
    assert rates.warmup_steps + rates.decay_steps in (steps - 1, steps)
    assert rates.factor(steps - 1) == pytest.approx(
        config.phase[0].final_factor, abs=1.0 if rates.decay_steps == 0 else 1e-9
    )


def test_more_than_a_whole_is_refused():
    config = Config(phase=(replace(PHASE, steps=40, warmup=0.2, decay=0.9),))
    with pytest.raises(FournilError, match=r"warm-up \(8\) and decay \(36\) do not fit in 40 steps"):
        plan_rates(config, plan_phases(config))


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"sampling": {"sources": "sise"}}, "sampling.sources: Input should be 'size'"),
        ({"sampling": {"source_temperature": 2.0}}, 'source_temperature is set, but sources is not "temperature"'),
        ({"sampling": {"language_temperature": 2.0}}, 'language_temperature is set, but languages is not "temperature"'),
        ({"language": [{"language": "fr", "weight": 2.0}]}, 'sampling.languages is "equal"'),
        ({"source": [{"source": "a"}, {"source": "a"}]}, "source 'a' is named twice"),
        ({"phase": [{"steps": 1, "source": [{"source": "a", "weight": 1}, {"source": "a", "weight": 2}]}]}, "'a' is named twice"),
        ({"source": [{"source": "a", "max_epochs": -1.0}]}, "max_epochs is -1.0"),
        ({"phase": [{"steps": 1, "parallel_end": 1.5}]}, "parallel_end is 1.5"),
        ({"phase": [{"steps": 1, "rope_theta": 0.0}]}, "rope_theta is 0.0"),
    ],
)  # fmt: skip
def test_settings_that_contradict_each_other_are_refused_when_they_are_read(section, message):
    with pytest.raises(FournilError) as caught:
        check_recipe({"recipe": {"name": "x"}, "pretrain": section}, where="here")
    assert message in caught.value.what
    assert caught.value.code == EXIT_USAGE


def test_rows_longer_than_the_context_are_refused():
    config = Config(Model(max_position_embeddings=64), phase=(PHASE, replace(PHASE, context_length=128)))
    with pytest.raises(FournilError, match=r"rows of 128 tokens .* \[pretrain.phase\[1\]\]. Set .* to 128 or more"):
        plan_phases(config)


def test_sources_count_by_the_rule_that_is_asked_for(tokenized):
    def french(**options):
        seen = read(plan(tokenized, **options))
        return seen["fr", "songs"] / (seen["fr", "songs"] + seen["fr", "laws"])

    assert french() == pytest.approx(400 / 3400, abs=0.02)
    assert french(sampling=Sampling("unimax")) == pytest.approx(0.5, abs=0.02)
    assert french(sampling=Sampling("temperature", 2.0)) == pytest.approx(20 / (20 + 3000**0.5), abs=0.02)
    weights = tuple(Source(name, weight) for name, weight in (("laws", 1.0), ("songs", 0.25), ("talks", 1.0)))
    assert french(sampling=Sampling("weights"), source=weights) == pytest.approx(0.2, abs=0.02)
    assert french(source=(Source("songs", max_epochs=0.1),)) == pytest.approx(32 / 1280, abs=0.001)


def test_languages_count_by_the_rule_that_is_asked_for(tokenized):
    def share(**options):
        mixture = plan(tokenized, **options)
        counts = mixture.shares[0].before(20)
        return counts["fr"] / (counts["fr"] + counts["en"])

    assert share() == 0.5
    assert share(sampling=Sampling(languages="size")) == pytest.approx(3400 / 9200, abs=0.02)
    weights = (LanguageWeight("fr", 3.0), LanguageWeight("en", 1.0))
    assert share(sampling=Sampling(languages="weights"), language=weights) == 0.75


def test_better_text_can_be_kept_for_the_end(tokenized):
    phases = (PHASE, replace(PHASE, source=(SourceWeight("talks", 1.0), SourceWeight("laws", 0.5))))
    mixture = plan(tokenized, *phases, source=(Source("talks", 0.0), Source("songs", 0.0)))
    facts = mixture_facts(mixture, Config(phase=phases))
    tokens = [{(row["group"], row["source"]): row["tokens"] for row in fact["tokens_by_source"]} for fact in facts]
    assert set(tokens[0]) == {("fr", "laws"), ("en", "laws")}
    assert tokens[1]["en", "talks"] == pytest.approx(1280 * 800 / (800 + 2500), abs=40)
    assert sum(tokens[1].values()) == sum(tokens[0].values()) == 20 * 128


def test_pairs_are_read_where_their_share_begins_at_nothing(tokenized):
    mixture = plan(tokenized, replace(PHASE, parallel_end=0.5))
    counts = [sum(group == "parallel" for group, _ in mixture.rows(0, step)) for step in range(20)]
    assert sum(counts[:10]) < sum(counts[10:])
    assert sum(counts) == pytest.approx(20, abs=2)


def test_who_bakes_is_told_which_sources_run_out(tokenized):
    phase = replace(PHASE, steps=100)
    mixture = plan(tokenized, phase, phase, sampling=Sampling("unimax"), max_epochs=4.0)
    said = warnings(mixture)
    assert said[0] == (
        "Phase 1: songs (fr) gives 1,600 tokens in place of 3,200, for it has then been read 4 times; others of fr give "
        "the rest."
    )
    assert [sentence.split(":")[0] for sentence in said] == ["Phase 1", "Phase 2", "Phase 2"]
    assert "songs (fr) gives 0 tokens in place of 3,200" in said[1]
    facts = mixture_facts(mixture, Config(phase=(phase, phase)))
    assert [[entry["source"] for entry in fact["ran_out"]] for fact in facts] == [["songs"], ["songs", "talks"]]
    assert warnings(plan(tokenized)) == []


def test_facts_tell_the_plan_of_each_phase(tokenized):
    phases = (
        replace(PHASE, first_batch_tokens=64, ramp_tokens=320),
        replace(PHASE, context_length=64, code=0.25, rope_theta=1e6),
    )
    config = Config(phase=phases)
    first, second = mixture_facts(plan_mixture(config, plan_phases(config), tokenized, CONTEXT), config)
    assert first["batch_rows"] == [[5, 2], [15, 4]]
    assert first["tokens"] == (5 * 2 + 15 * 4) * 32 == 32 * sum(first["rows_by_group"].values())
    assert (second["batch_rows"], second["context_length"], second["rope_theta"]) == ([[20, 2]], 64, 1e6)
    assert second["rows_by_group"]["code"] == pytest.approx(10, abs=2)
    assert "rope_theta" not in first


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": (Source("lawz", 2.0),)}, r"no text of source 'lawz' \[pretrain.source\]. Did you mean laws\?"),
        ({"source": (Source("x", 2.0),)}, r"no text of source 'x' .* There is laws, repo, songs, talks\."),
        ({"phase": (replace(PHASE, source=(SourceWeight("x", 2.0),)),)}, r"source 'x' \[pretrain.phase\[0\].source\]"),
        (
            {"sampling": Sampling(languages="unimax"), "language": (LanguageWeight("oc", 1.0),)},
            r"'oc' is none of the recipe's languages \[pretrain.language\]",
        ),
        ({"sampling": Sampling(languages="weights"), "language": (LanguageWeight("fr", 1.0),)}, "'en' has no weight"),
        ({"sampling": Sampling("weights"), "source": (Source("laws"),)}, r"'(songs|talks)' has no weight"),
    ],
)
def test_what_is_not_there_is_refused(tokenized, options, message):
    with pytest.raises(FournilError, match=message):
        config = replace(Config(phase=(PHASE,)), **options)
        plan_mixture(config, plan_phases(config), tokenized, CONTEXT)


@dataclass
class Stated:
    """A stream of which only the size is known."""

    group: str
    source: str
    num_tokens: int


def test_croissant_s_mixture_is_that_which_was_published(repository):
    """Trillions of tokens are planned as fast as thousands; epochs of each kind of text as published."""
    recipe = read_recipe(repository / "recipes" / "croissant.toml")
    (sources,), (config,) = recipe.stages["sources"], recipe.stages["pretrain"]
    groups = {}
    for entry in sources.hub:
        group = "parallel" if entry.category == "parallel" else entry.language
        groups.setdefault(group, []).append(Stated(group, entry.key, int(entry.stated_tokens)))
    phases = plan_phases(config)
    mixture = Mixture(groups, phases, recipe.head.languages, recipe.head.seed, sampling_of(config))
    assert mixture.ran_out == []
    totals = {group: [0, 0] for group in groups}
    for row in mixture.tokens():
        totals[row["group"]][0] += row["tokens_seen"]
        totals[row["group"]][1] += row["tokens"]
    epochs = {group: round(seen / there, 2) for group, (seen, there) in totals.items()}
    assert epochs == {"fr": 4.09, "en": 1.89, "parallel": 6.11, "code": 2.04}
    rows = mixture.rows(0, 123_456)
    assert len(rows) == 7680
    assert abs(sum(group == "parallel" for group, _ in rows) - 7680 * 732 / 10_001) <= 2
    assert mixture.rows(0, 123_456, 32, 64) == rows[32:64]
