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
        "accounts/test_passkeys/test_reentry.py::test_a_passkey_without_the_password_proves_nothing",
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
        "approvals/test_actions/test_signing.py::test_nobody_signs_what_they_had_a_hand_in",
        "approvals/database/test_signatures.py::test_an_author_does_not_sign",
    ),
    "WF-SOD-2": (
        "approvals/test_actions/test_signing.py::test_nobody_signs_twice",
        "approvals/database/test_signatures.py::test_the_same_person_does_not_sign_twice",
        "approvals/test_gates.py::test_the_built_in_policies_grow_stricter",
    ),
    "WF-SOD-3": ("deployments/test_actions.py::test_the_database_refuses_anothers_name_and_a_signers",),
    "WF-SOD-4": (
        "approvals/test_actions/test_signing.py::test_only_reviewers_sign",
        "accounts/test_actions.py::test_nobody_grants_themselves_a_role",
        "accounts/test_walls.py::test_nobody_changes_their_own_role",
        "approvals/test_actions/test_signing.py::test_a_role_gained_after_the_request_does_not_count",
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
    "WF-SIG-2": (
        "approvals/test_api.py::test_a_signature_that_cannot_be_given_is_explained",
        "approvals/database/test_signatures.py::test_a_forged_signature_is_refused",
    ),
    "WF-SIG-5": (
        "approvals/test_envelopes.py::test_any_changed_byte_is_found",
        "approvals/test_envelopes.py::test_a_row_beside_the_envelope_that_says_otherwise_is_broken",
        "approvals/database/test_staleness.py::test_a_sign_off_goes_stale_by_itself",
        "bundles/test_archive.py::test_each_member_changed_at_any_place_is_named",
        "deployments/test_permit_rows.py::test_when_the_sign_off_falls_the_permit_falls_and_the_record_says_why",
        "deployments/test_serving.py::test_damaged_bytes_are_not_served",
    ),
    "WF-SIG-8": (
        "approvals/test_envelopes.py::test_a_token_of_less_than_its_person_signs_nothing",
        "approvals/database/test_signatures.py::test_nobody_signs_in_anothers_name",
        "accounts/test_emergencies.py::test_it_never_gives_signing_nor_a_say_over_people_nor_lasts_longer",
        "accounts/test_walls.py::test_a_membership_is_not_handed_to_another_person",
        "accounts/test_walls.py::test_a_persons_number_is_never_anothers",
    ),
    "WF-SOD-8": (
        "accounts/test_rules.py::test_an_auditor_only_reads_and_takes_away",
        "house/test_permissions.py::test_every_door_that_changes_something_asks_for_a_permission",
        "house/test_permissions.py::test_every_role_may_do_what_the_table_says_and_nothing_else",
    ),
    "WF-SOD-9": (
        "accounts/test_emergencies.py::test_what_is_done_under_it_is_marked_in_the_record",
        "accounts/test_emergencies.py::test_it_ends_by_itself_and_what_it_gave_with_it",
        "accounts/test_emergencies.py::test_neither_who_used_it_nor_who_agreed_reviews_it",
        "accounts/test_emergencies.py::test_a_review_that_is_not_made_in_three_days_is_overdue_and_shown",
    ),
    "WF-SOD-10": (
        "approvals/test_waivers.py::test_what_is_no_rule_or_never_waived_is_refused",
        "approvals/test_policies_in_time.py::test_a_policy_that_asks_for_more_people_than_there_are_is_refused",
    ),
    "WF-LOG-2": (
        "audits/test_origin.py::test_a_record_holds_all_that_an_entry_must",
        "audits/test_refusals.py::test_a_refusal_says_who_was_refused_what_on_which_thing_and_why",
        "portal/test_refusals.py::test_a_program_is_refused_and_its_transaction_leaves_nothing_else",
        "portal/test_refusals.py::test_a_page_that_shows_the_refusal_keeps_it_too",
        "house/test_code.py::test_every_refusal_of_an_action_is_remembered",
    ),
    "WF-LOG-3": (
        "audits/test_origin.py::test_a_job_tells_its_number_its_code_and_who_started_it",
        "audits/test_origin.py::test_a_job_without_a_starter_is_refused_in_plain_sql",
        "audits/test_origin.py::test_the_database_refuses_a_job_that_nobody_started",
    ),
}
OTHERWISE: dict[str, str] = {
    "WF-SIG-1": "No session is named. Every signature is proved anew, and the number of that proof, its moment and its "
    "components are in the envelope; a session outlives none of it and would say where a person was signed in.",
    "WF-SIG-2": "Six of the twelve meanings are signatures (validated, approved, approved with conditions, and the "
    "refusals); the others are statements, waivers, suspensions and revocations: rows of their own with their own "
    "signatures or records, so that none of them can be counted as a sign-off.",
    "WF-SIG-4": "There is no window in which one component is enough: who signs gives the password each time, at every "
    "risk, and the code where a second factor is enrolled. No clock has to be shifted, because no time counts.",
    "WF-SOD-9": "Nobody changes what serves without a sign-off, not even in an emergency, so there is nothing to sign "
    "afterwards and nothing to roll back. Emergency access needs a second person before, gives no signature, ends by "
    "itself within four hours, and a third person reviews it within 72 hours; where nobody did, that is shown.",
    "WF-SOD-10": "How many people sign is not a rule that a waiver could set aside, at any risk: a team that is too "
    "small invites a reviewer from outside as a member, and a policy that asks for more people than there are is "
    "refused.",
    "WF-LOG-2": "Before and after are kept as the values themselves where a record can hold them, because a reader can "
    "read those, and by digest for bytes. The source is the door, the token and the request, or the job; no network "
    "address is kept, because it is personal data that a record which never forgets should not gather.",
    "WF-LOG-3": "The commit of a job is the digest of the source that ran it: it can be computed from what is "
    "installed, where a commit's number would have to be believed. The portal's own rounds have no initiator, and say"
    " so.",
}
OPEN: set[str] = set()
