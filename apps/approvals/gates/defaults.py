"""The policies that come with the portal, one for each risk class."""

from functools import cache
from pathlib import Path

from apps.approvals.gates.policy import Policy
from apps.approvals.gates.reading import parse

FOLDER = Path(__file__).parents[1] / "policies"


def built_in(risk_class: str) -> str:
    """The YAML of the built-in policy for a risk class, as a person may read and change it."""
    return (FOLDER / f"{risk_class}.yaml").read_text()


@cache
def built_in_policy(risk_class: str) -> Policy:
    return parse(built_in(risk_class))[0]
