"""The console page in Firefox: tests that Chromium passes as well, where browsers differ."""

from __future__ import annotations

from tests.components.page_case import InFirefox, tests_of
from tests.integration import (
    test_page,
    test_page_ends,
    test_page_in_frame,
    test_page_keyboards,
    test_page_keys,
    test_page_session,
    test_page_zoom,
)


@tests_of(
    test_page.ScreenTests,
    "test_shows_the_guests_pixels",
    "test_stays_within_the_policy_and_logs_nothing",
    "test_full_screen_leaves_a_handle_that_brings_the_bar_back",
)
class ScreenTests(InFirefox):
    """The guest's screen."""


@tests_of(
    test_page.LinkTests,
    "test_without_a_token_nothing_is_tried",
)
class LinkTests(InFirefox):
    """Where the token stands."""


@tests_of(
    test_page_keys.KeyTests,
    "test_a_typed_key_arrives",
    "test_a_key_of_the_keyboard_releases_the_held_one",
    "test_text_is_typed_as_on_a_us_keyboard",
    "test_the_on_screen_keyboard_types_and_corrects",
    "test_ctrl_alt_shift_leaves_the_screen",
    "test_keys_do_not_stay_down_when_the_screen_loses_the_focus",
    "test_tab_leads_from_the_toolbar_to_the_screen",
    "test_the_clipboard_goes_both_ways",
    "test_a_link_for_watching_is_shown_as_such_and_sends_nothing",
)
class KeyTests(InFirefox):
    """What arrives at the guest's keyboard and clipboard."""


@tests_of(
    test_page_keyboards.KeyboardTests,
    "test_the_menu_has_the_keys_of_a_keyboard_and_stays_open_while_it_is_pinned",
)
class KeyboardTests(InFirefox):
    """The menu of keys."""


@tests_of(
    test_page_session.SessionTests,
    "test_a_panel_tells_of_connection_and_policy_in_words",
    "test_leaving_by_accident_is_asked_about_while_the_console_is_open",
)
class SessionTests(InFirefox):
    """What the page tells of its session."""


@tests_of(test_page_zoom.ZoomTests, "test_buttons_zoom_where_the_screen_is_fitted")
class ZoomTests(InFirefox):
    """A closer look."""


@tests_of(
    test_page_in_frame.FrameTests,
    "test_a_compact_page_has_a_handle_with_the_badges",
)
class FrameTests(InFirefox):
    """The page in a frame."""


@tests_of(
    test_page_ends.EndTests,
    "test_a_refused_token_is_final",
    "test_a_machine_that_is_off_can_be_tried_again_by_hand",
    "test_a_gateway_that_cannot_be_reached_is_told",
    "test_disconnecting_offers_to_reconnect",
    "test_a_lost_connection_comes_back",
)
class EndTests(InFirefox):
    """Ends of a session, and what comes after them."""
