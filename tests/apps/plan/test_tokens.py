"""From bytes to epochs: the same division as in training, and nothing known that is not known."""

from dataclasses import dataclass

import pytest

from fournil.apps.plan.tokens import BYTES_PER_TOKEN, bytes_per_token
from fournil.core.errors import FournilError
from fournil.parts.train.mixture import Mixture
from fournil.stages.pretrain.planning import plan_phases, sampling_of


@dataclass
class Circle:
    """What a mixture asks of a stream."""

    group: str
    source: str
    num_tokens: int


def recipe(sources, **pretrain):
    phases = [{"steps": 40, "batch_tokens": 512, "context_length": 64, "code": 0.125, "parallel": 0.25}]
    return {
        "sources": {"hub": sources},
        "curate": {"heldout": {"share": 0.0}},
        "pretrain": {"phase": phases, **pretrain},
        "plan": {"kept_share": 1.0},
    }


def sources(hub):
    sizes = {"a-fr": 9_000, "b-fr": 3_000, "a-en": 20_000, "code": 2_500, "pairs": 6_000}
    found = []
    for key, tokens in sizes.items():
        place = {"category": "parallel"} if key == "pairs" else {"language": key.rsplit("-")[-1]}
        found.append(hub(key, stated_tokens=tokens, **place))
    return sizes, found


@pytest.mark.parametrize(
    ("phases", "pretrain"),
    [
        ([{"steps": 40}], {}),
        (
            [{"steps": 40}, {"steps": 30, "batch_tokens": 1024, "context_length": 128, "code": 0.0}],
            {"source": [{"source": "b-fr", "weight": 3.0}], "max_epochs": 8.0},
        ),
        # the smaller source's cap leaves more to the larger one
        ([{"tokens": 30_000}], {"source": [{"source": "a-fr", "weight": 0.25}], "max_epochs": 1.9}),
        ([{"steps": 40}], {"source": [{"source": "b-fr", "max_epochs": 0.25}]}),
        (
            [
                {"steps": 20, "source": [{"source": "b-fr", "weight": 0.0}]},
                {
                    "tokens": 20_000,
                    "parallel": 0.0,
                    "parallel_end": 0.25,
                    "first_batch_tokens": 128,
                    "ramp_tokens": 999,
                },
            ],
            {"sampling": {"sources": "unimax"}},
        ),
        (
            [{"steps": 40}],
            {
                "sampling": {"sources": "temperature", "source_temperature": 2.0, "languages": "weights"},
                "language": [{"language": "fr", "weight": 1.0}, {"language": "en", "weight": 2.0}],
            },
        ),
        (
            [{"steps": 60}],
            {
                "sampling": {"languages": "unimax"},
                "max_epochs": 1.3,
                "source": [{"source": "pairs", "max_epochs": 4.0}, {"source": "code", "max_epochs": 4.0}],
            },
        ),
    ],
)
def test_tokens_are_divided_as_training_divides_them(planned_table, hub, phases, pretrain):
    sizes, listed = sources(hub)
    phases = [{"batch_tokens": 512, "context_length": 64, "code": 0.125, "parallel": 0.25, **phase} for phase in phases]
    plan = planned_table(recipe(listed, phase=phases, **pretrain))
    config = plan.order.config_of("pretrain")
    groups = {"fr": ["a-fr", "b-fr"], "en": ["a-en"], "code": ["code"], "parallel": ["pairs"]}
    mixture = Mixture(
        {group: [Circle(group, key, sizes[key]) for key in keys] for group, keys in groups.items()},  # type: ignore[misc]
        plan_phases(config),
        ("fr", "en"),
        7,
        sampling_of(config),
    )
    trained = {row["source"]: row["tokens_seen"] for row in mixture.tokens()}
    for row in plan.tokens.sources:
        assert row.tokens_seen == pytest.approx(trained[row.text.key], abs=2 * 128)
    assert plan.tokens.tokens_seen == sum(trained.values())
    said = {name for warning in plan.warnings for name in warning["values"]["names"].split(", ")}
    assert said == {entry.source for entry in mixture.ran_out if entry.source is not None}


def test_too_little_text_is_said_with_the_epochs_that_it_would_take(planned_table, hub):
    plan = planned_table(recipe(sources(hub)[1], max_epochs=0.5))
    said = [warning for warning in plan.warnings if "training would refuse" in warning["message"]]
    assert [warning["values"]["group"] for warning in said] == ["fr", "parallel", "code"]
    assert all(row.tokens_seen for row in plan.tokens.sources)


def test_a_size_that_is_not_stated_stays_unknown(planned_table, hub):
    plan = planned_table(recipe([hub("here", language="fr", stated_tokens=9e4), hub("there", language="en")]))
    french, english, *_ = plan.tokens.groups
    assert french.epochs == pytest.approx(6_400 / 9e4)
    assert (english.tokens, english.epochs) == (None, None)
    assert english.tokens_seen == french.tokens_seen
    assert plan.warnings[0]["values"]["names"] == "there"
    seconds = {estimate.stage: estimate.seconds for estimate in plan.estimates}
    assert seconds["curate"] is None
    assert seconds["tokenizer"] is None
    assert seconds["pretrain"] is not None


def test_text_without_a_language_leaves_the_languages_unknown(planned_table, hub):
    plan = planned_table(recipe([hub("web", stated_bytes=5e6), hub("livres", language="fr", stated_bytes=3e6)]))
    assert {row.group: row.tokens for row in plan.tokens.groups if row.group in ("fr", "en")} == {
        "fr": None,
        "en": None,
    }
    assert any("names no language" in warning["message"] for warning in plan.warnings)


def test_a_group_that_no_source_has_is_said(planned_table, hub):
    table = recipe([hub("a", language="fr", stated_bytes=1e6), hub("b", language="en", stated_bytes=1e6)])
    values = [warning["values"] for warning in planned_table(table).warnings if "no source has" in warning["message"]]
    assert [value["group"] for value in values] == ["parallel", "code"]


def test_part_of_a_source_counts_in_part(planned_table, hub):
    whole = {"stated_documents": 1_000, "stated_bytes": 4e6, "language": "fr"}
    plan = planned_table(recipe([hub("a", **whole, max_documents=250), hub("b", **whole)]))
    assert [row.text.num_bytes for row in plan.tokens.sources] == [1e6, 4e6]
    assert [row.text.number for row in plan.tokens.sources] == [250, 1000]


def test_bytes_of_a_token_grow_with_the_vocabulary(planned_table, hub):
    def at(size, group, **plan):
        table = {"sources": {"hub": [hub("a", language="fr")]}, "tokenizer": {"vocab_size": size}, "plan": plan}
        return bytes_per_token(planned_table(table).order, group)

    assert at(2_048, "fr") == pytest.approx(BYTES_PER_TOKEN[2_048]["fr"])
    assert at(32_000, "code") == pytest.approx(BYTES_PER_TOKEN[32_000]["code"])
    assert at(2_048, "fr") < at(8_192, "fr") < at(32_000, "fr") == at(128_000, "fr")
    assert at(8_192, "fr", bytes_per_token=3.0) == 3.0
    assert at(2_048, "oc") == pytest.approx((2.67 + 2.56) / 2)  # a language that we have not measured


def test_held_out_text_is_not_trained_on(planned_table, hub):
    table = {
        "sources": {"hub": [hub("a", language="fr", stated_documents=100, stated_bytes=1e6)]},
        "plan": {"kept_share": 0.9},
    }
    kept = [
        planned_table({**table, "curate": {"heldout": heldout}}).tokens.sources[0].kept_bytes
        for heldout in ({"share": 0.0}, {"share": 0.1, "min_documents": 4}, {"share": 0.01, "min_documents": 20})
    ]
    assert kept == pytest.approx([0.9e6, 0.9e6 * 0.9, 0.9e6 * 0.8])


def test_a_mixture_that_training_would_refuse_is_refused(planned_table, hub):
    phase = {"steps": 4, "batch_tokens": 192, "context_length": 64}  # three rows for two languages
    with pytest.raises(FournilError, match="cannot hold as much of each"):
        planned_table(recipe(sources(hub)[1], phase=[phase]))
