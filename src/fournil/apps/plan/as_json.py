"""A plan as JSON: units in the keys, null for what is not known; the same whatever language is spoken."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from fournil.apps.plan.hardware import HERE
from fournil.apps.plan.order import PARALLEL
from fournil.apps.plan.plan import Plan

JSON_FORMAT = 1
"""Raised when a key changes its meaning or goes."""


def as_json(plan: Plan) -> str:
    """Return a plan as JSON; what is not known is null."""
    settings, hardware = plan.order.settings, plan.hardware
    shape, costs = plan.shape, [plan.cost(estimate) for estimate in plan.estimates]
    to_run = [(e, c) for e, c in zip(plan.estimates, costs, strict=True) if not e.finished]
    found: dict[str, Any] = {
        "format": JSON_FORMAT,
        "recipe": plan.order.name,
        "hardware": {
            "name": hardware.name,
            "num_devices": hardware.num_devices,
            "num_cores": hardware.num_cores,
            "device_memory_bytes": hardware.memory_bytes,
            "flops_per_second": hardware.flops_per_second,
        },
        "sources": [
            {
                "source": row.text.key,
                "group": row.text.group or None,
                "unit": "pairs" if row.text.group == PARALLEL else "documents",
                "num_texts": row.text.number,
                "text_bytes": row.text.num_bytes,
                "text_bytes_are_lower_bound": row.text.at_least,
                "size_from": row.text.origin,
                "kept_bytes": row.kept_bytes,
                "tokens": row.tokens,
                "tokens_seen": row.tokens_seen,
                "epochs": row.epochs,
            }
            for row in plan.tokens.sources
        ],
        "groups": [
            {
                "group": row.group,
                "tokens": row.tokens,
                "tokens_seen": row.tokens_seen,
                "share": row.share,
                "epochs": row.epochs,
            }
            for row in plan.tokens.groups
        ],
        "model": None
        if shape is None
        else {
            "num_parameters": shape.num_parameters(),
            "num_embedding_parameters": shape.num_embedding_parameters(),
            "num_non_embedding_parameters": shape.num_block_parameters(),
        },
        "pretraining": {
            "tokens": plan.tokens.tokens_seen,
            "flops_by_products": next((e.flops for e in plan.estimates if e.stage == "pretrain"), None),
            "flops_six_n_d": plan.six_n_d,
        },
        "stages": [
            {
                "stage": estimate.folder,
                "finished": estimate.finished,
                "seconds": estimate.seconds,
                "seconds_are_lower_bound": estimate.at_least,
                "memory_bytes": estimate.memory_bytes,
                "disk_bytes": estimate.disk_bytes,
                "flops": estimate.flops,
                "device_hours": estimate.device_hours,
                "energy_kwh": cost.kwh,
                "price_eur": cost.eur,
                "emissions_kg_co2e": cost.kg_co2e,
            }
            for estimate, cost in zip(plan.estimates, costs, strict=True)
        ],
        "curation_on_a_cluster": [
            {
                "name": each.name,
                "text_bytes": each.text_bytes,
                "num_texts": each.num_texts,
                "core_hours": each.core_hours,
                "shuffle_bytes": each.shuffle_bytes,
                "work_bytes": each.work_bytes,
                "driver_memory_bytes": each.driver_bytes,
            }
            for each in plan.curations
        ],
        "total": {
            "seconds": sum(e.seconds or 0.0 for e, _ in to_run),
            "seconds_are_lower_bound": any(e.seconds is None or e.at_least for e, _ in to_run),
            "disk_bytes": sum(e.disk_bytes or 0.0 for e in plan.estimates),
            "device_hours": _total([e.device_hours for e, _ in to_run]),
            "energy_kwh": sum(c.kwh or 0.0 for _, c in to_run),
            "price_eur": sum(c.eur or 0.0 for _, c in to_run),
            "emissions_kg_co2e": sum(c.kg_co2e or 0.0 for _, c in to_run),
        },
        "published": {
            "device_hours": settings.published.device_hours or None,
            "energy_kwh": settings.published.kwh or None,
            "emissions_kg_co2e": settings.published.kg_co2e or None,
            "evidence": settings.published.evidence or None,
        },
        "assumptions": {
            "utilisation": None if hardware.name == HERE else settings.utilisation,
            "device_watts": hardware.device_watts or None,
            "core_watts": hardware.core_watts,
            "pue": hardware.pue,
            "grid_g_co2e_per_kwh": settings.grid_g_co2e_per_kwh,
            "eur_per_kwh": settings.eur_per_kwh,
            "eur_per_device_hour": settings.eur_per_device_hour or None,
            "kept_share": settings.kept_share,
            "bytes_per_token": settings.bytes_per_token,
            "measured_how": plan.speed.way,
            "measured_seconds": plan.speed.seconds,
            "text_times_reference": plan.speed.text,
            "matrix_times_reference": plan.speed.matrix,
        },
        "warnings": list(plan.warnings),
    }
    return json.dumps(found, ensure_ascii=False, indent=2, allow_nan=False)


def _total(parts: Sequence[float | None]) -> float | None:
    known = [part for part in parts if part is not None]
    return sum(known) if known else None
