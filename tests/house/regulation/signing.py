"""Signatures (4.1), four eyes (4.2), retention (4.3), the record (4.7)."""

PROVED: dict[str, tuple[str, ...]] = {
    "WF-SIG-1": ("approvals/test_envelopes.py::test_it_says_all_that_a_signature_must",),
    "WF-SIG-3": (
        "approvals/test_envelopes.py::test_name_time_and_meaning_stand_on_the_page_in_the_document_and_in_the_json",
    ),
    "WF-SIG-4": (
        "approvals/database/test_signatures.py::test_a_proof_is_for_one_signature_and_one_person",
        "approvals/database/test_signatures.py::test_who_enrolled_a_second_factor_proves_it_too",
        "accounts/test_reentry.py::test_a_code_without_the_password_proves_nothing",
        "accounts/test_passkeys.py::test_a_passkey_without_the_password_proves_nothing",
        "approvals/test_passkeys.py::test_an_answer_signs_nothing_but_what_it_was_asked_about",
        "accounts/test_reentry.py::test_wrong_tries_outlive_the_rollback_and_stop_the_right_one",
    ),
    "WF-SIG-6": ("approvals/test_envelopes.py::test_it_is_worth_nothing_under_another_sign_off",),
    "WF-SIG-7": ("approvals/test_pages.py::test_the_document_shows_what_was_signed_whatever_changes_after",),
    "WF-SIG-9": (
        "approvals/test_envelopes.py::test_it_verifies_offline_with_the_public_key_alone",
        "bundles/test_foreign.py::test_its_programs_run_in_a_bare_environment",
    ),
    "WF-SOD-1": (
        "approvals/test_actions.py::test_nobody_signs_what_they_had_a_hand_in",
        "approvals/database/test_signatures.py::test_an_author_does_not_sign",
    ),
    "WF-SOD-2": (
        "approvals/test_actions.py::test_nobody_signs_twice",
        "approvals/database/test_signatures.py::test_the_same_person_does_not_sign_twice",
        "approvals/test_gates.py::test_the_built_in_policies_grow_stricter",
    ),
    "WF-SOD-3": ("deployments/test_actions.py::test_the_database_refuses_anothers_name_and_a_signers",),
    "WF-SOD-4": (
        "approvals/test_actions.py::test_only_reviewers_sign",
        "accounts/test_actions.py::test_nobody_grants_themselves_a_role",
        "accounts/test_walls.py::test_nobody_changes_their_own_role",
        "approvals/test_actions.py::test_a_role_gained_after_the_request_does_not_count",
        "approvals/database/test_signatures.py::test_a_role_gained_after_the_request_does_not_count",
    ),
    "WF-SOD-5": (
        "approvals/database/test_policies.py::test_nobody_publishes_a_policy_alone",
        "approvals/database/test_staleness.py::test_a_newer_policy_leaves_what_was_signed_under_the_older",
        "controls/test_disposal.py::test_two_people_change_how_long_things_are_kept",
        "controls/test_disposal.py::test_the_database_lets_nobody_change_it_alone",
    ),
    "WF-SOD-6": ("approvals/test_waivers.py::test_asker_owner_and_approver_are_three_people",),
    "WF-SOD-7": (
        "approvals/test_delegations.py::test_one_for_another_project_or_that_is_over_lets_nobody_sign",
        "approvals/test_delegations.py::test_conflicts_are_handed_on_both_ways",
        "approvals/test_delegations.py::test_it_is_signed_and_by_a_reviewer",
        "approvals/test_delegations.py::test_the_database_refuses_a_forged_one",
    ),
    "WF-RET-1": ("controls/test_rules.py::test_how_long_a_thing_is_kept",),
    "WF-RET-2": ("controls/test_disposal.py::test_a_hold_spares_and_the_round_says_so",),
    "WF-RET-3": ("audits/test_erasure.py::test_nothing_says_any_more_who_it_was_and_every_proof_verifies",),
    "WF-RET-4": (
        "controls/test_disposal.py::test_bytes_past_their_time_go_and_the_count_matches",
        "controls/test_disposal.py::test_what_was_disposed_of_is_not_forgotten",
    ),
    "WF-LOG-1": (
        "audits/test_record.py::test_it_refuses_the_web_role_every_change",
        "audits/test_verification.py::test_it_finds_a_change_of_any_column",
        "audits/test_attacks.py::test_a_whole_forgery_is_found_by_the_witness_alone",
    ),
    "WF-LOG-4": (
        "datasets/test_actions.py::test_a_download_is_a_record",
        "audits/test_exports.py::test_an_export_is_in_the_export",
        "controls/test_exports.py::test_taking_it_away_is_remembered",
        "bundles/test_doors.py::test_it_is_downloaded_and_remembered",
    ),
}
OTHERWISE: dict[str, str] = {}
OPEN = {
    "WF-SIG-2", "WF-SIG-5", "WF-SIG-8", "WF-SOD-8", "WF-SOD-9", "WF-SOD-10", "WF-LOG-2", "WF-LOG-3",
}  # fmt: skip
