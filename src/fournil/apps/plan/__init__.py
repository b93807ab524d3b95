"""Says before anything runs what a recipe takes: text, tokens, memory, disk, hours, energy and money."""

from fournil.apps.plan.as_json import as_json
from fournil.apps.plan.config import Config
from fournil.apps.plan.hardware import DEVICES, HERE
from fournil.apps.plan.order import Order, StepOrder, Text
from fournil.apps.plan.plan import Plan, make_plan
from fournil.apps.plan.show import print_plan

__all__ = ["DEVICES", "HERE", "Config", "Order", "Plan", "StepOrder", "Text", "as_json", "make_plan", "print_plan"]
