"""Which fixture of Google's is proved by which test. A row names what Google says, and the test that gets it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

#: Family → fixture, module, test.
TABLE = {
    "loadCodeAssist": [
        ("a tier", "test_handshake", "test_an_account_with_a_tier"),
        ("UNSUPPORTED_CLIENT", "test_handshake", "test_what_is_wrong_with_an_account"),
        ("VALIDATION_REQUIRED with its link", "test_handshake", "test_what_is_wrong_with_an_account"),
        ("no project", "test_handshake", "test_what_is_wrong_with_an_account"),
        ("every reasonCode", "test_refusals", "test_every_reason_of_a_tier"),
        ("set up, with another project", "test_handshake", "test_nobody_is_set_up_by_a_request"),
        ("SERVICE_DISABLED", "test_handshake", "test_the_service_that_is_disabled"),
        ("SECURITY_POLICY_VIOLATED", "test_handshake", "test_behind_a_security_perimeter"),
    ],
    "429": [
        ("RetryInfo, quotaResetDelay, …", "test_refusals", "test_every_form_of_a_limit"),
        ("…, as rests of one model", "test_limits", "test_each_form_lets_one_model_rest"),
        ("in a list, in place of a stream", "test_limits", "test_each_form_lets_one_model_rest"),
        ("within a stream", "test_limits", "test_a_limit_in_the_middle_of_a_stream_is_told_in_it"),
        ("credits are used up", "test_credits", "test_when_they_are_used_up_too"),
    ],
    "states": [
        ("every 403 in words", "test_limits", "test_each_state_is_told_to_the_operator_alone"),
        (
            "404: not the account's fault",
            "test_requests",
            "test_a_model_that_the_account_does_not_have_is_nobodys_fault",
        ),
        ("400: the caller's fault", "test_requests", "test_a_bad_request_is_the_callers"),
        ("401 once and twice", "test_requests", "test_a_token_that_google_refuses_is_renewed_once"),
    ],
    "refresh": [
        ("no refresh_token", "test_logins", "test_a_refresh_token_is_never_overwritten_by_nothing"),
        ("invalid_grant and wrong clients", "test_logins", "test_a_login_that_has_ended_is_told_and_not_tried_again"),
        ("two accounts with one token", "test_logins", "test_two_accounts_with_one_refresh_token_renew_once"),
        ("all workers at once", "test_logins", "test_all_workers_together_renew_once"),
        ("killed meanwhile", "test_logins", "test_killed_at_any_moment"),
    ],
    "streams": [
        ("cut anywhere, CRLF, several lines", "test_streams", "test_every_form_in_pieces_of_every_size"),
        ("an error within", "test_streams", "test_an_error_within_a_stream"),
        ("no end", "test_streams", "test_a_stream_that_ends_too_early_is_no_whole_answer"),
        ("the client leaves", "test_requests", "test_a_client_that_leaves_ends_the_call"),
    ],
    "signatures": [
        ("through every client", "test_signatures", "test_a_signature_comes_back_through_every_client"),
        ("unknown: the placeholder", "test_signatures", "test_another_model_gets_the_placeholder"),
        ("of another vendor", "test_signatures", "test_another_vendors_signature_is_dropped"),
    ],
    "names": [
        ("made fit and put back", "test_requests", "test_names_of_tools_are_made_fit_and_put_back"),
    ],
    "management": [
        ("masked, read and sent back", "test_secrets", "test_an_account_that_was_read_can_be_sent_back"),
        ("no token in any answer, ZIP or file", "test_secrets", "test_no_page_shows_a_token"),
        ("paths and links that lead out", "test_secrets", "test_no_file_outside_becomes_an_account"),
        ("events without tokens", "test_secrets", "test_a_login_is_told_without_its_tokens"),
    ],
    "callbacks": [
        ("fifty hostile ones", "test_login", "test_fifty_hostile_answers"),
        ("pasted, never fetched", "test_login", "test_an_address_is_pasted_and_never_fetched"),
        ("a real browser", "test_login", "test_a_browser"),
    ],
}


ROWS = [row for rows in TABLE.values() for row in rows]


@pytest.mark.parametrize("module", sorted({module for _, module, _ in ROWS}))
def test_the_tests_of_the_table_are_there(module: str) -> None:
    source = (Path(__file__).parent / f"{module}.py").read_text()
    there = {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert {test for _, place, test in ROWS if place == module} <= there
