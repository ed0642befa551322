"""Documents (4.4), cards and datasheets (4.5), the life of a sign-off, waivers, revocation (4.6)."""

PROVED: dict[str, tuple[str, ...]] = {
    "WF-DOC-1": ("documents/test_documents.py::test_the_pack_has_a_manifest_whose_digests_resolve",),
    "WF-DOC-2": (
        "documents/test_documents.py::test_whatever_is_taken_away_leaves_a_line_that_names_it",
        "controls/test_statements.py::test_a_document_that_says_it_has_gaps_is_not_current",
    ),
    "WF-DOC-3": (
        "documents/test_documents.py::test_it_is_the_same_bytes_from_the_same_content_in_any_process",
        "documents/test_documents.py::test_built_again_it_is_the_same_bytes_and_the_newer_one_stands",
    ),
    "WF-DOC-4": (
        "documents/test_documents.py::test_every_number_of_a_table_is_one_of_its_evidence",
        "documents/test_documents.py::test_whatever_shows_a_digit_names_its_evidence_or_is_marked_as_a_persons_words",
    ),
    "WF-MC-1": (
        "documents/test_documents.py::test_a_model_card_has_its_nine_sections_and_its_analyses_are_the_reports",
        "documents/test_documents.py::test_every_number_of_a_table_is_one_of_its_evidence",
    ),
    "WF-MC-2": (
        "documents/test_documents.py::test_a_new_finding_makes_the_card_stale_and_a_new_version_has_none",
        "approvals/test_papers.py::test_a_document_that_is_superseded_takes_it_down",
    ),
    "WF-DS-1": (
        "documents/test_statements.py::test_a_question_of_a_datasheet_is_answered_or_said_to_be_open",
        "documents/test_documents.py::test_a_datasheet_counts_what_is_open",
        "controls/test_statements.py::test_the_datasheet_belongs_to_the_data",
    ),
    "WF-DS-2": ("documents/test_documents.py::test_a_datasheet_has_seven_sections_and_the_rules_the_data_are_under",),
    "WF-APP-1": (
        "deployments/test_actions.py::test_the_database_refuses_another_model",
        "deployments/test_serving.py::test_a_permit_of_a_sibling_or_an_older_version_counts_for_nothing",
        "deployments/test_bound_bytes.py::test_each_thing_that_is_bound_refuses_the_permit_when_it_changes",
    ),
    "WF-APP-2": (
        "approvals/test_conditions/test_conditions.py::test_an_overdue_condition_does_what_it_says",
        "approvals/test_conditions/test_conditions.py::test_its_owner_is_told_before_it_is_due",
        "approvals/test_conditions/test_conditions.py::test_conditions_keep_to_the_policy",
    ),
    "WF-APP-3": (
        "approvals/test_gates.py::test_no_policy_lets_a_sign_off_stand_longer_than_its_risk_class_may",
        "approvals/database/test_decisions.py::test_the_end_of_validity_is_the_policys",
        "approvals/test_suspensions.py::test_its_end_is_told_before_it_comes",
        "deployments/test_permit_rows.py::test_a_permit_never_outlives_its_sign_off",
        "deployments/test_serving.py::test_a_permit_that_has_expired_counts_for_nothing",
    ),
    "WF-APP-4": (
        "approvals/database/test_staleness.py::test_a_sign_off_goes_stale_by_itself",
        "approvals/test_waivers_end.py::test_on_expiry_the_rule_fails_again_and_the_sign_off_falls_with_no_human_action",
        "deployments/test_bound_bytes.py::test_swapped_versions_and_what_people_change_by_the_doors_refuse_it_too",
        "approvals/test_conditions/test_falls.py::test_that_the_owner_left_is_told_once_and_nothing_is_asked_for_until_another_is_named",
        "incidents/test_actions.py::test_a_sign_off_falls_and_is_asked_for_anew_after_the_release",
    ),
    "WF-APP-5": (
        "approvals/test_papers.py::test_a_resubmission_says_what_is_different",
        "approvals/test_conditions/test_order.py::test_a_refusal_is_sealed_until_everybody_has_spoken",
    ),
    "WF-APP-6": (
        "approvals/database/test_signatures.py::test_nobody_signs_what_they_have_not_opened",
        "approvals/test_pages.py::test_a_reviewer_sees_consequences_and_signs",
    ),
    "WF-WVR-1": (
        "approvals/test_waivers.py::test_at_the_doors_a_waiver_says_all_that_it_must",
        "approvals/test_waivers.py::test_a_forged_waiver_is_refused",
        "approvals/test_waivers.py::test_it_ends_within_ninety_days",
        "approvals/test_waivers.py::test_it_is_renewed_once_and_not_asked_for_anew",
        "approvals/test_waivers.py::test_no_state_is_claimed",
    ),
    "WF-WVR-2": (
        "approvals/test_waivers_end.py::test_on_expiry_the_rule_fails_again_and_the_sign_off_falls_with_no_human_action",
        "approvals/test_waivers.py::test_its_owner_is_told_before_it_ends_and_when_it_has",
    ),
    "WF-WVR-3": (
        "approvals/test_waivers.py::test_however_much_is_waived_who_built_it_does_not_sign_and_two_others_do",
        "approvals/test_waivers.py::test_the_age_of_a_bias_audit_is_never_waived",
        "controls/test_rules.py::test_what_is_forbidden_and_what_people_are_to_be_told_is_never_waived",
    ),
    "WF-WVR-4": ("approvals/test_waivers.py::test_an_accepted_risk_is_a_signature_and_waives_nothing",),
    "WF-WVR-5": (
        "approvals/test_waivers.py::test_the_register_counts_by_owner",
        "approvals/test_waivers.py::test_the_register_is_a_page_and_a_list_over_rest_for_whoever_reads",
        "controls/test_exports.py::test_the_inventory_counts_the_waivers_of_each_owner",
    ),
    "WF-REV-1": (
        "approvals/test_suspensions.py::test_one_person_suspends_and_nothing_stands_on_it",
        "approvals/test_suspensions.py::test_nobody_lets_it_stand_again_alone",
        "approvals/test_suspensions.py::test_the_database_lets_nobody_alone_either",
        "approvals/test_suspensions.py::test_who_had_a_hand_in_it_does_not_let_it_stand_again",
    ),
    "WF-REV-2": (
        "deployments/test_process.py::test_a_suspension_reaches_everything_that_serves_on_it_within_the_stated_time",
        "deployments/test_process.py::test_cut_off_from_the_portal_it_answers_nothing_once_its_permit_has_ended",
        "deployments/test_serving.py::test_without_a_database_a_loaded_model_goes_when_its_permit_ends",
    ),
    "WF-REV-3": (
        "controls/test_coverage.py::test_a_stop_that_was_not_tried_in_time_fails_what_asks_for_it",
        "deployments/test_drills.py::test_it_is_told_before_its_day_and_once_it_is_over",
        "deployments/test_drills.py::test_a_suspension_that_is_over_begins_the_days_anew",
        "deployments/test_drills.py::test_a_stop_that_took_too_long_does_not_count_and_its_page_says_so",
    ),
    "WF-REV-4": (
        "approvals/test_actions/test_ending.py::test_a_reviewer_revokes_finally",
        "approvals/test_suspensions.py::test_revoked_bytes_are_not_asked_for_under_another_number",
        "approvals/test_suspensions.py::test_who_was_told_is_kept_for_good",
        "approvals/database/test_dossiers.py::test_a_rejected_or_revoked_version_is_not_asked_for_again",
    ),
}
OTHERWISE: dict[str, str] = {
    "WF-DOC-2": "An empty mandatory field does not fail the build: a visible line in its place, in the PDF, in its JSON"
    " and in the section that lacks it, says what is missing; and a document with such a line is evidence of nothing.",
    "WF-DOC-4": "What a person states is free text and may hold numbers; it is printed as that person's words, with the"
    " question and the name, and never in a table or among figures.",
    "WF-APP-3": "The end of a sign-off is not cut to the date of a covered tool's audit: the independent audit is a"
    " statement that is valid until its own last day, is bound by the sign-off, and takes it down on that day.",
    "WF-APP-4": "A newer policy with a stricter rule counts for later requests only, as WF-SOD-5 asks; where it is to"
    " count at once, an owner withdraws the older version, and every sign-off under that one falls. That the owner of a"
    " project left is told and shuts every new request, but what serves goes on: who decides about people does not stop"
    " because somebody changed their job; whoever thinks it must, suspends. A supplier's change is another digest.",
    "WF-WVR-5": "There is no executive report by that name: the register is in the inventory of all models that is"
    " taken away as JSON, beside tiers, owners, next reviews and coverage.",
}
OPEN: set[str] = set()
