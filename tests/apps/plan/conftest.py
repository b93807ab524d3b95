"""Small recipes that are planned without measuring anything."""

from functools import cache
from pathlib import Path

import pytest

from fournil.apps.plan import Plan, make_plan
from fournil.apps.plan.rates import Speed
from fournil.planning import order_of
from fournil.recipe import check_recipe, read_recipe

read = cache(read_recipe)
RECIPES = Path(__file__).resolve().parents[3] / "recipes"


@pytest.fixture
def planned():
    """Plan a shipped recipe, by name, on a machine like the reference."""

    def plan(name: str, *changes: str, speed: Speed | None = None) -> Plan:
        recipe = read(RECIPES / f"{name}.toml", changes)
        return make_plan(order_of(recipe, None), threads=2, speed=speed or Speed())

    return plan


@pytest.fixture
def planned_table():
    """Plan a recipe that is a table."""

    def plan(table: dict, speed: Speed | None = None) -> Plan:
        head = {"recipe": {"name": "essai", **table.get("recipe", {})}}
        recipe = check_recipe({**table, **head}, where="a test")
        return make_plan(order_of(recipe, None), threads=2, speed=speed or Speed())

    return plan


@pytest.fixture
def hub():
    """A hub source with or without its size."""

    def source(key: str, **more) -> dict:
        return {"key": key, "dataset": f"owner/{key}", "licence": "CC0-1.0", "revision": "main", **more}

    return source
