"""When an OpenNebula machine has a screen, and what is said when it has none."""

from __future__ import annotations

from pyone import LCM_STATE, VM_STATE
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.backends.opennebula.states import ACTIVE, WITH_SCREEN, has_screen, state_text

SUNSTONE = {3, 4, 12, 13, 16, 17, 18, 24, 25, 26, 27, 28, 29, 57, 58, 62}
NEWER = {59, 66, 69}


class ScreenTests(SynchronousTestCase):
    def test_the_states_of_sunstone_and_the_newer_ones_of_running_machines(self) -> None:
        self.assertEqual(WITH_SCREEN, SUNSTONE | NEWER)

    def test_the_lcm_state_counts_in_an_active_machine_alone(self) -> None:
        self.assertTrue(has_screen(3, 3))
        self.assertFalse(has_screen(8, 3))
        self.assertFalse(has_screen(3, 2))


class WordsTests(SynchronousTestCase):
    def test_every_state_that_the_client_library_knows_has_words(self) -> None:
        for state in VM_STATE:
            self.assertNotIn("unknown", state_text(state, 0), state)
        for state in LCM_STATE:
            self.assertNotIn("unknown", state_text(ACTIVE, state), state)

    def test_the_words_are_of_the_right_state(self) -> None:
        for state, text in {
            VM_STATE.PENDING: "waiting for a host",
            VM_STATE.HOLD: "on hold",
            VM_STATE.STOPPED: "stopped",
            VM_STATE.SUSPENDED: "suspended",
            VM_STATE.DONE: "terminated",
            VM_STATE.POWEROFF: "powered off",
            VM_STATE.UNDEPLOYED: "undeployed",
            VM_STATE.CLONING: "waiting for its disks to be cloned",
        }.items():
            self.assertEqual(state_text(state, 0), text)
        for state, text in {
            LCM_STATE.PROLOG: "starting",
            LCM_STATE.RUNNING: "running",
            LCM_STATE.SAVE_MIGRATE: "being migrated",
            LCM_STATE.PROLOG_RESUME: "being resumed",
            LCM_STATE.EPILOG: "being terminated",
            LCM_STATE.BOOT_FAILURE: "stopped by an error: it could not be started",
            LCM_STATE.PROLOG_MIGRATE_UNKNOWN_FAILURE: (
                "stopped by an error: it could not be migrated"
            ),
            LCM_STATE.DISK_SNAPSHOT_POWEROFF: "powered off, and its snapshots are being changed",
            LCM_STATE.DISK_RESIZE_UNDEPLOYED: "undeployed, and its disks are being changed",
            LCM_STATE.HOTPLUG_SAVEAS_STOPPED: "stopped, and a disk is being saved",
        }.items():
            self.assertEqual(state_text(ACTIVE, state), text)

    def test_states_that_the_client_library_does_not_know_yet(self) -> None:
        self.assertEqual(state_text(ACTIVE, 69), "running")
        self.assertEqual(state_text(ACTIVE, 70), "powered off, and being backed up")
        self.assertEqual(state_text(ACTIVE, 71), "being restored from a backup")

    def test_unknown_ones_are_told_by_number(self) -> None:
        self.assertEqual(state_text(99, 0), "in the unknown state 99")
        self.assertEqual(state_text(ACTIVE, 99), "active, in the unknown state 99")
