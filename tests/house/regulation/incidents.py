"""Incidents (4.6)."""

PROVED: dict[str, tuple[str, ...]] = {
    "WF-INC-1": (
        "incidents/test_api.py::test_no_field_is_assumed",
        "incidents/test_actions.py::test_a_report_that_says_too_little_is_refused_by_field",
        "incidents/test_database.py::test_no_entry_is_forged",
    ),
    "WF-INC-2": (
        "incidents/test_rules.py::test_the_authority_is_told_by_the_earliest_limit_that_applies",
        "incidents/test_rules.py::test_the_database_counts_the_same_clocks",
    ),
    "WF-INC-3": (
        "incidents/test_actions.py::test_a_first_report_may_be_incomplete_and_the_final_one_follows_it",
        "incidents/test_database.py::test_no_notice_is_forged",
    ),
    "WF-INC-4": (
        "incidents/test_actions.py::test_a_serious_one_holds_its_evidence_and_takes_a_snapshot",
        "incidents/test_holds.py::test_it_is_not_trained_anew_and_other_models_are",
        "incidents/test_holds.py::test_nothing_of_the_project_is_disposed_of",
        "incidents/test_actions.py::test_two_people_sign_the_release_and_the_authority_was_told_before",
        "incidents/test_database.py::test_nobody_releases_evidence_alone_or_without_signing",
    ),
    "WF-INC-5": (
        "incidents/test_actions.py::test_a_deployer_tells_the_provider_first_then_the_importer_then_the_authority",
        "incidents/test_database.py::test_the_order_of_a_deployers_notices_is_held",
    ),
    "WF-INC-6": (
        "incidents/test_actions.py::test_closing_needs_everything_and_somebody_else",
        "incidents/test_actions.py::test_an_assessment_older_than_the_incident_opens_no_hazard",
        "incidents/test_database.py::test_who_reported_does_not_close",
    ),
}
OTHERWISE: dict[str, str] = {}
OPEN: set[str] = set()
