"""One login that threads share, against a simulated pool and servers that misbehave."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier
from unittest.mock import patch

from twisted.trial.unittest import TestCase

from tests.components.misbehaving_xapi import silent
from tests.components.ports import free_port
from tests.components.xapi_simulator import Host, Pool, serve
from tests.components.xen_pool_case import PASSWORD, THREADS, USER, PoolTestCase, world
from vncproxy.backends.xen import connection as xen_pool
from vncproxy.backends.xen.backend import XenBackend
from vncproxy.backends.xen.connection import Pool as Login
from vncproxy.backends.xen.machines import find_console, inventory
from vncproxy.backends.xen.settings import XenSettings
from vncproxy.errors import ConsoleUnavailable, VMNotFound
from vncproxy.testing import BackendContract, FakeCalls, backend_context

EMERGENCIES = (
    "HOST_STILL_BOOTING",
    "HOST_MASTER_CANNOT_TALK_BACK",
    "HOST_UNKNOWN_TO_MASTER",
    "HOST_BROKEN",
    "HA_HOST_IS_ARMED",
)


class ContractTests(BackendContract, TestCase):
    known_vm = "web-01"

    def setUp(self) -> None:
        pool = Pool([Host("xen1", "127.0.0.1")])
        pool.add("web-01", 5900)
        stack = ExitStack()
        self.addCleanup(stack.close)
        stack.enter_context(serve(pool, world().certificates))
        self.settings = XenSettings.model_validate(
            {
                "url": f"https://127.0.0.1:{pool.port}",
                "username": USER,
                "password": PASSWORD,
                "tls": {"ca_file": world().ca_file},
            }
        )

    def make_backend(self) -> XenBackend:
        return XenBackend(backend_context(self.settings, FakeCalls()))


class SharingTests(PoolTestCase):
    def at_once(self, login: Login) -> None:
        """Call in many threads at the same moment."""
        ready = Barrier(THREADS)

        def ask() -> int:
            ready.wait(60)
            return len(login(inventory, "xen"))

        with ThreadPoolExecutor(THREADS) as threads:
            answers = [threads.submit(ask) for _ in range(THREADS)]
        self.assertEqual([answer.result() for answer in answers], [1] * THREADS)

    def test_many_threads_log_in_once(self) -> None:
        self.at_once(self.login())

        self.assertEqual((self.logins(), len(self.pool.sessions)), (1, 1))

    def test_many_threads_renew_an_expired_session_once(self) -> None:
        login = self.login()
        login(inventory, "xen")
        self.pool.expire()

        self.at_once(login)

        self.assertEqual((self.logins(), len(self.pool.sessions)), (2, 1))

    def test_logging_out_is_the_end(self) -> None:
        login = self.login()
        login(inventory, "xen")

        login.close()

        self.assertEqual(self.pool.sessions, {})
        self.assertIn("closed", self.error(login))

    def test_a_session_that_a_host_does_not_know_is_replaced_unless_it_is_new(self) -> None:
        login = self.login()
        first = login(find_console, "web-01").session

        login.renew()
        self.assertEqual(login(find_console, "web-01").session, first)
        login.renew(older_than=0)

        second = login(find_console, "web-01").session
        self.assertNotEqual(second, first)
        self.assertEqual([*self.pool.sessions], [second])

    def test_a_record_that_vanishes_in_between(self) -> None:
        def migrate(method: str) -> None:
            if method == "VM.get_record":
                self.pool.migrate(self.vm, self.there)

        self.pool.answered = migrate

        with self.assertRaises(ConsoleUnavailable) as caught:
            self.login()(find_console, "web-01")

        self.assertEqual(caught.exception.state, "being stopped, started or moved")


class MemberTests(PoolTestCase):
    def test_an_old_host_takes_user_and_password_only(self) -> None:
        self.pool.old = True

        self.assertEqual(len(self.login()(inventory, "xen")), 1)

    def test_the_master_dies_and_another_member_takes_over(self) -> None:
        login = self.login(self.url(1), self.url(2))
        login(inventory, "xen")
        self.here.down, self.pool.master = True, self.there

        self.assertEqual(len(login(inventory, "xen")), 1)

    def test_a_first_member_in_emergency_mode_is_left_for_the_next(self) -> None:
        for code in EMERGENCIES:
            with self.subTest(code):
                self.here.emergency, self.pool.master = code, self.there
                self.assertEqual(len(self.login(self.url(1), self.url(2))(inventory, "xen")), 1)

    def test_a_login_at_a_host_that_loses_its_pool_is_dropped(self) -> None:
        login = self.login(self.url(1), self.url(2))
        for code in EMERGENCIES:
            with self.subTest(code):
                login(inventory, "xen")
                self.here.emergency, self.pool.master = code, self.there
                self.assertEqual(len(login(inventory, "xen")), 1)
                self.here.emergency, self.pool.master = "", self.here

    def test_a_login_is_dropped_where_no_member_answers_yet(self) -> None:
        login = self.login()
        login(inventory, "xen")
        self.here.emergency = "HOST_STILL_BOOTING"
        self.assertIn("the host is still starting", self.error(login))

        self.here.emergency = ""
        logins = self.logins()
        self.assertEqual(len(login(inventory, "xen")), 1)
        self.assertEqual(self.logins(), logins + 1)

    def test_every_member_in_emergency_mode_is_told(self) -> None:
        self.here.emergency, self.there.emergency = "HOST_STILL_BOOTING", "HOST_UNKNOWN_TO_MASTER"
        told = self.error(self.login(self.url(1), self.url(2)))
        self.assertIn(f"{self.url(1)}: the host is still starting", told)
        self.assertIn(f"{self.url(2)}: the host has lost its pool (HOST_UNKNOWN_TO_MASTER)", told)

    def test_a_refused_account_is_not_tried_at_the_next_member(self) -> None:
        told = self.error(self.login(self.url(1), self.url(2), password="wrong"))
        self.assertIn("the account 'console' is refused", told)
        self.assertEqual(self.pool.asked, [("xen1", "session.login_with_password")])

    def test_a_refused_account_is_left_alone_for_a_minute(self) -> None:
        login = self.login(password="wrong")
        for _ in range(3):
            self.assertIn("the account 'console' is refused", self.error(login))
        self.assertEqual(self.logins(), 1)

        with patch.object(xen_pool, "AFTER_REFUSAL", 0.0):
            login = self.login(password="wrong")
            for _ in range(2):
                self.error(login)
        self.assertEqual(self.logins(), 3)

    def test_a_host_with_ciphers_of_old(self) -> None:
        with contextlib.ExitStack() as stack:
            here = Host("xen1", "127.0.0.1")
            pool = Pool([here])
            pool.add("web-01", 5900)
            stack.enter_context(serve(pool, {"xen1": world().old}, "AES128-SHA256"))
            url = f"https://127.0.0.1:{pool.port}"

            self.assertIn("old_ciphers = true", self.error(self.login(url)))
            self.assertEqual(len(self.login(url, old_ciphers=True)(inventory, "xen")), 1)

    def test_a_member_that_is_silent_leaves_time_for_the_next(self) -> None:
        with silent() as port:
            login = self.login(f"https://127.0.0.1:{port}", self.url(), patience=10.0)

            self.assertEqual(len(login(inventory, "xen")), 1)

    def test_members_that_send_to_each_other(self) -> None:
        self.pool.master = Host("gone", "127.0.0.2")

        told = self.error(self.login())

        self.assertIn("none is the pool's master", told)
        self.assertEqual(len(self.pool.asked), 4)

    def test_a_master_on_loopback_is_not_given_the_password(self) -> None:
        self.pool.master = Host("gone", "127.0.0.2")

        told = self.error(self.login(addresses={}))

        self.assertIn("the master that it names, '127.0.0.2', is this machine itself", told)
        self.assertEqual(len(self.pool.asked), 1)

    def test_a_master_that_is_no_address(self) -> None:
        self.pool.master = Host("evil", "evil.example/?x=")

        self.assertIn("'evil.example/?x=', is no address", self.error(self.login()))

    def test_the_master_is_dialled_where_the_settings_say(self) -> None:
        self.pool.master = Host("xen1", "10.0.0.5")
        login = self.login(addresses={"10.0.0.5": "127.0.0.2"})

        told = self.error(login)

        self.assertIn(self.url(2), told)

    def test_no_host_answers(self) -> None:
        urls = [f"https://127.0.0.1:{free_port()}" for _ in range(2)]

        told = self.error(self.login(*urls))

        for url in urls:
            self.assertIn(f"{url}: Connection refused", told)


class NameTests(PoolTestCase):
    def test_a_uuid_is_never_taken_for_a_name(self) -> None:
        login = self.login()
        gone = self.pool.add("gone", 5901)
        self.pool.machines.remove(gone)
        self.pool.add(gone.uuid, 5902)

        with self.assertRaises(VMNotFound):
            login(find_console, gone.uuid)

        self.assertEqual(login(find_console, self.vm.uuid.upper()).name, "web-01")
