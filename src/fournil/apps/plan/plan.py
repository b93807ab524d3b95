"""The whole plan of a recipe: text, tokens, model, stages, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fournil.apps.plan.curation import Curation, curations
from fournil.apps.plan.hardware import HERE, Hardware, hardware_of
from fournil.apps.plan.measure import measured_speed
from fournil.apps.plan.order import PARALLEL, UNKNOWN, Order
from fournil.apps.plan.rates import Speed
from fournil.apps.plan.stages import Estimate, Estimator
from fournil.apps.plan.tokens import TokenTable, token_table
from fournil.core.speech import Message, mark, markn
from fournil.parts.model.config import ModelConfig


@dataclass(frozen=True)
class Cost:
    """What a stretch of work takes of electricity and money; None: not known."""

    kwh: float | None
    eur: float | None
    kg_co2e: float | None


@dataclass(frozen=True)
class Plan:
    """What is foretold of a recipe, with what it rests on."""

    order: Order
    hardware: Hardware
    speed: Speed
    tokens: TokenTable
    shape: ModelConfig | None
    estimates: tuple[Estimate, ...]
    six_n_d: float | None
    """The usual 6 x all parameters x tokens of training from nothing; None without one."""
    curations: tuple[Curation, ...]
    """What curation takes of a cluster, where there is much text."""
    warnings: tuple[Message, ...]

    def cost(self, estimate: Estimate) -> Cost:
        """Return what one stage takes of electricity and money."""
        if estimate.seconds is None:
            return Cost(None, None, None)
        settings, hours = self.order.settings, estimate.seconds / 3600
        kwh = self.hardware.watts(trains=estimate.trains) / 1000 * hours
        eur = kwh * settings.eur_per_kwh
        if settings.eur_per_device_hour:
            eur = hours * self.hardware.num_devices * settings.eur_per_device_hour if estimate.trains else 0.0
        return Cost(kwh, eur, kwh * settings.grid_g_co2e_per_kwh / 1000)

    def planned(self) -> dict[str, dict[str, float]]:
        """Return seconds and memory of each stage that is yet to run, as records keep them."""
        return {
            estimate.folder: {
                "seconds": round(estimate.seconds, 1),
                "memory_bytes": float(round(estimate.memory_bytes or 0.0)),
            }
            for estimate in self.estimates
            if estimate.seconds is not None and not estimate.finished
        }


def make_plan(
    order: Order, *, threads: int, device: str = "cpu", speed: Speed | None = None, measuring: bool = True
) -> Plan:
    """Foretell what a recipe takes.

    Args:
        order: The recipe and its text.
        threads: How many cores of this machine would work.
        device: `cpu` or `cuda`: where this machine would train.
        speed: How this machine compares with the reference; None: measured where that pays.
        measuring: Whether this machine may be measured; without, the reference's rates stand for it.

    Raises:
        FournilError: No such hardware, or settings that training would refuse too.
    """
    hardware = hardware_of(order.settings, threads=threads)
    table = token_table(order)
    estimator = Estimator(order, table, hardware, speed or Speed())
    if speed is None and measuring and hardware.is_here:
        estimator = Estimator(order, table, hardware, measured_speed(estimator, device=device))
    shape = estimator.shape
    estimates = tuple(estimator.estimates())
    plan = Plan(
        order,
        hardware,
        estimator.speed,
        table,
        shape,
        estimates,
        6.0 * shape.num_parameters() * table.tokens_seen if shape else None,
        _curations(order, table, estimator.speed),
        (),
    )
    return Plan(**{**vars(plan), "warnings": tuple(_warnings(plan))})


def _curations(order: Order, table: TokenTable, speed: Speed) -> tuple[Curation, ...]:
    curate = order.config_of("curate")
    if curate is None:
        return ()
    return tuple(curations(table, times_reference=speed.text, held_out=curate.heldout.share))


def _warnings(plan: Plan) -> list[Message]:
    order, found = plan.order, []
    unknown = [text.key for text in order.texts if text.num_bytes is None and text.num_tokens is None]
    if unknown:
        found.append(
            markn(
                "the size of one source is not known: {names}; what follows from it is not known either",
                "the sizes of {count:,} sources are not known: {names}; what follows from them is not known either",
                len(unknown),
                names=_some(unknown),
            )
        )
    if any(text.group == UNKNOWN for text in order.texts):
        found.append(mark("some text names no language: how much there is of each language is not known"))
    pretrain = order.config_of("pretrain")
    for row in plan.tokens.groups:
        if pretrain is not None and row.tokens_seen and row.tokens == 0:
            found.append(mark("training asks for {group}, and no source has any", group=row.group))
        elif pretrain is not None and row.epochs is not None and row.epochs > _most_epochs(plan, row.group, pretrain):
            found.append(
                mark(
                    "{group} would be read {epochs:.2f} times, max_epochs allows {most:g}: training would refuse",
                    group=row.group,
                    epochs=row.epochs,
                    most=round(_most_epochs(plan, row.group, pretrain), 2),
                )
            )
    if plan.tokens.ran_out:
        found.append(
            markn(
                "{names} gives less than its share, for it may not be read more often; others of its language give the "
                "rest",
                "{count:,} sources give less than their share, for they may not be read more often ({names}); others "
                "of their languages give the rest",
                len(plan.tokens.ran_out),
                names=_some(plan.tokens.ran_out),
            )
        )
    if pretrain is not None and pretrain.max_pair_tokens and any(row.group == PARALLEL for row in plan.tokens.groups):
        found.append(mark("longer pairs than max_pair_tokens are left out: pairs are read more often than is said"))
    for estimate in plan.estimates:
        found += _too_large(estimate, plan.hardware)
    if plan.hardware.num_devices > 1:
        found.append(
            mark(
                "training is divided evenly among {count:,} devices: what they lose to each other is in the "
                "utilisation",
                count=plan.hardware.num_devices,
            )
        )
        if any(estimate.stage == "finetune" for estimate in plan.estimates):
            found.append(
                mark(
                    "finetuning is counted on {count:,} devices, and uses one of them", count=plan.hardware.num_devices
                )
            )
    return found


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def _most_epochs(plan: Plan, group: str, pretrain: Any) -> float:  # noqa: ANN401 - the stage's settings
    """How often a group may be read: some of its sources may have a cap of their own."""
    own = {entry.source: entry.max_epochs for entry in pretrain.source if entry.max_epochs is not None}
    sources = [row for row in plan.tokens.sources if row.text.group == group and row.tokens]
    if not any(row.text.key in own for row in sources):
        return pretrain.max_epochs
    most = sum((row.tokens or 0.0) * own.get(row.text.key, pretrain.max_epochs) for row in sources)
    return most / sum(row.tokens or 0.0 for row in sources)


def _too_large(estimate: Estimate, hardware: Hardware) -> list[Message]:
    if estimate.memory_bytes is None:
        return []
    on_device = estimate.trains or hardware.name == HERE
    if on_device and hardware.memory_bytes is not None and estimate.memory_bytes > hardware.memory_bytes:
        return [
            mark(
                "{stage} needs {need:,.1f} GB of memory, and there are {there:,.1f} GB",
                stage=estimate.folder,
                need=estimate.memory_bytes / 1e9,
                there=hardware.memory_bytes / 1e9,
            )
        ]
    if not on_device and estimate.memory_bytes > LARGEST_NODE_BYTES:
        return [
            mark(
                "{stage} would need {need:,.1f} TB of memory on one machine: this version cannot do it",
                stage=estimate.folder,
                need=estimate.memory_bytes / 1e12,
            )
        ]
    return []


LARGEST_NODE_BYTES = 4e12
"""Memory of a large node, beside named devices whose host is not known."""
