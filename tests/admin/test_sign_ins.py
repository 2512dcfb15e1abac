"""Guessing passwords: few guesses are checked, however they are spelt, spread or sent at once."""

from threading import Barrier

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed
from django.core.cache import cache, caches
from django.test import Client, RequestFactory
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from backoffice import sign_ins
from backoffice.sign_ins import MAX_BY_ADDRESS, MAX_BY_NAME, MAX_OWN, Guess, guess_of, guess_of_old_password
from core.http.addresses import address_of
from tests.kit.scenes import at_once

PASSWORD, WRONG = "correct horse battery", "wrong"
THROTTLED = "15분 뒤에"


@pytest.fixture(autouse=True)
def _no_guesses_yet(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # to be quick
    cache.clear()
    caches["local"].clear()
    yield
    cache.clear()


@pytest.fixture
def otto(db):
    return User.objects.create_superuser("otto", password=PASSWORD)


def attempt(name="otto", password=WRONG, *, address="192.0.2.1", browser=None, **headers):
    form = {"username": name, "password": password, "next": "/admin/auth/group/"}
    return (browser or Client()).post("/admin/login/", form, REMOTE_ADDR=address, **headers)


def was_checked(answer):
    return answer.status_code == 302 or THROTTLED not in answer.content.decode()


def checked(answers):
    return [was_checked(answer) for answer in answers].count(True)


def test_sign_ins_by_spellings_of_a_name_share_one_counter(otto):
    spellings = ["otto", " otto", "otto\u3000", "ｏｔｔｏ", "\totto ", "ｏtto"]
    assert [was_checked(attempt(name)) for name in spellings] == [True] * 5 + [False]
    assert not was_checked(attempt(password=PASSWORD))


def test_sign_in_checks_five_of_24_guesses_at_once(transactional_db):
    User.objects.create_superuser("otto", password=PASSWORD)
    failures = []
    user_login_failed.connect(lambda **_: failures.append(1), weak=False, dispatch_uid="guesses")
    try:
        answers = at_once([attempt] * 24)
    finally:
        user_login_failed.disconnect(dispatch_uid="guesses")
    assert (len(failures), checked(answers)) == (MAX_OWN, MAX_OWN)


@pytest.mark.parametrize("counters", ["default", "local"])
def test_reservations_of_sign_ins_grant_five_of_24_at_once(counters, monkeypatch):
    monkeypatch.setattr(sign_ins, "_with_counters", lambda use: use(caches[counters]))
    guess = guess_of_old_password(account_id=1)
    assert at_once([guess.reserve] * 24).count(True) == MAX_OWN


def test_reservations_counted_after_the_look_would_all_be_granted():
    looked = Barrier(24)

    def look_then_count():
        allowed = cache.get("guesses", 0) < MAX_OWN
        looked.wait()
        sign_ins.count(cache, "guesses", seconds=60)
        return allowed

    assert at_once([look_then_count] * 24).count(True) == 24


def test_sign_ins_to_one_name_are_refused_beyond_a_few_addresses(otto):
    answers = [attempt(address=f"192.0.2.{n}") for n in range(MAX_BY_NAME + 3)]
    assert checked(answers) == MAX_BY_NAME
    assert not was_checked(attempt(password=PASSWORD, address="198.51.100.1"))


def test_address_alone_cannot_lock_a_name(otto):
    assert checked(attempt() for _ in range(MAX_BY_NAME + 5)) == MAX_OWN
    assert attempt(password=PASSWORD, address="198.51.100.1").status_code == 302


def test_sign_ins_from_one_address_are_refused_beyond_a_few_names(otto):
    assert checked(attempt(f"nobody{n}") for n in range(MAX_BY_ADDRESS + 3)) == MAX_BY_ADDRESS
    assert not was_checked(attempt(password=PASSWORD))


def test_ipv6_network_of_a_subscriber_counts_as_one_address(otto):
    answers = [attempt(address=f"2001:db8::{n:x}") for n in range(MAX_OWN + 1)]
    assert checked(answers) == MAX_OWN
    assert was_checked(attempt(address="2001:db8:0:1::1"))


@pytest.mark.parametrize(
    ("given", "known"),
    [("::ffff:192.0.2.1", "192.0.2.1"), ("", ""), ("@\n", ""), ("2001:DB8::1", "2001:db8::1")],
)
def test_address_is_read_before_it_is_logged(given, known):
    assert address_of(RequestFactory().get("/", REMOTE_ADDR=given)) == known


def test_known_browser_signs_in_while_others_guess(otto):
    browser = Client()
    assert attempt(password=PASSWORD, browser=browser).status_code == 302
    browser.post("/admin/logout/")
    for n in range(MAX_BY_NAME + 1):
        attempt(address=f"198.51.100.{n}")
    assert not was_checked(attempt(password=PASSWORD))
    assert attempt(password=PASSWORD, browser=browser).status_code == 302


def test_known_browser_has_no_more_guesses_and_none_at_other_names(otto):
    User.objects.create_superuser("anna", password="another password")
    browser = Client()
    attempt("anna", "another password", browser=browser)
    assert checked(attempt(browser=browser) for _ in range(8)) == MAX_OWN
    assert checked(attempt("anna", browser=browser) for _ in range(8)) == MAX_OWN


def test_known_browsers_of_a_name_share_one_counter(otto):
    browsers = [Client() for _ in range(3)]
    for browser in browsers:
        attempt(password=PASSWORD, browser=browser)
    assert checked(attempt(browser=browser) for browser in browsers * 3) == MAX_OWN
    assert attempt(password=PASSWORD, address="198.51.100.1").status_code == 302  # strangers have theirs


def test_change_of_password_makes_known_browsers_strangers(otto):
    browser, own, new = Client(), Client(), "fresh battery staple"
    for each in (browser, own):
        attempt(password=PASSWORD, browser=each)
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert own.post("/admin/password_change/", form).status_code == 302
    for n in range(MAX_BY_NAME):
        attempt(address=f"198.51.100.{n}")
    assert not was_checked(attempt(password=new, browser=browser))
    assert attempt(password=new, browser=own).status_code == 302  # it knew the new password


def test_forged_cookie_is_no_known_browser(otto):
    browser = Client()
    browser.cookies[sign_ins.KNOWN_BROWSER] = f"{sign_ins.fingerprint('otto')}.x:1:x"
    assert checked(attempt(browser=browser) for _ in range(8)) == MAX_OWN


def test_sign_in_with_the_right_password_resets_its_own_counter(otto):
    for _ in range(3):
        assert checked(attempt() for _ in range(4)) == 4
        assert attempt(password=PASSWORD).status_code == 302
    guess = sign_ins.guess_of(RequestFactory().get("/", REMOTE_ADDR="192.0.2.1"), name="otto")
    assert [cache.get(key) for key in (guess.own, guess.name, guess.address)] == [None, 12, 12]


def test_right_sign_in_beside_five_others_is_not_told_of_wrong_passwords(otto):
    other = guess_of(RequestFactory().get("/", REMOTE_ADDR="192.0.2.1"), name="otto")
    assert [other.reserve() for _ in range(MAX_OWN)] == [True] * MAX_OWN
    refused = attempt(password=PASSWORD).content.decode()
    assert ("틀렸" in refused, "늦어도 15분 뒤에는" in refused) == (False, True)
    other.give_back()
    assert attempt(password=PASSWORD).status_code == 302


def test_counter_always_ends():
    """Redis would make one without an end where it expires between two commands."""
    guess = Guess(own="no-end")
    cache.set("no-end", -1, timeout=None)
    guess.reserve()
    assert 0 < cache._cache.get_client().ttl(cache.make_key("no-end")) <= sign_ins.SECONDS


def test_refused_sign_in_costs_the_same_for_unknown_names(otto, django_assert_num_queries):
    for name in ("otto", "nobody"):
        for _ in range(MAX_OWN):
            attempt(name)
        with django_assert_num_queries(0):
            assert not was_checked(attempt(name))


def test_password_change_bounds_guesses_at_the_old_password(otto, client):
    client.force_login(otto)
    new = {"new_password1": "fresh battery staple", "new_password2": "fresh battery staple"}
    for _ in range(MAX_OWN):
        answer = client.post("/admin/password_change/", {"old_password": "wrong", **new})
        assert was_checked(answer)
    answer = client.post("/admin/password_change/", {"old_password": PASSWORD, **new})
    assert not was_checked(answer)
    cache.clear()
    answer = client.post("/admin/password_change/", {"old_password": PASSWORD, **new})
    assert (answer.status_code, was_checked(answer)) == (302, True)


def test_failed_sign_in_is_logged_without_its_name_and_counted(otto):
    counted = {cause: total(cause) for cause in ("wrong", "throttled")}
    name = 'otto"}\n{"event": "forged"} hunter2'
    with capture_logs() as logs:
        for _ in range(MAX_OWN + 1):
            attempt(name, address='192.0.2.1\n{"event": "forged"}')
    told = [entry for entry in logs if entry["event"] == "sign_in_failed"]
    assert [entry["cause"] for entry in told] == ["wrong"] * MAX_OWN + ["throttled"]
    assert {entry["name_hash"] for entry in told} == {sign_ins.fingerprint(name)}
    assert "hunter2" not in str(told)
    assert "forged" not in str(told)
    assert {cause: total(cause) - before for cause, before in counted.items()} == {
        "wrong": MAX_OWN,
        "throttled": 1,
    }


def total(cause):
    return REGISTRY.get_sample_value("shop_failed_sign_ins_total", {"cause": cause})


def test_hash_of_a_name_needs_the_secret_key(settings):
    before = sign_ins.fingerprint("otto")
    settings.SECRET_KEY = "another key than before, as long as one has to be"
    assert sign_ins.fingerprint("otto") != before
