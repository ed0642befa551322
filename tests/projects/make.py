"""Answers to the questions that decide the risk class."""

from apps.projects import rules


def answers(*yes: str) -> dict[str, bool]:
    """Every question answered no, but for these."""
    assert set(yes) <= set(rules.NAMES)
    return dict.fromkeys(rules.NAMES, False) | dict.fromkeys(yes, True)


def words(*yes: str) -> dict[str, str]:
    """The same as a browser sends them."""
    return {name: "yes" if answer else "no" for name, answer in answers(*yes).items()}


LENDING = answers(
    "annex_iii", "fria_scope", "person_affecting_decision", "personal_data", "special_category_data",
    "profiles_people", "bank_model", "bank_material", "role_provider", "role_deployer",
)  # fmt: skip
