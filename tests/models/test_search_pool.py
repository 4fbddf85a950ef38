"""No more estimators of flow than can work at a time."""

import threading

import pytest

from models.search_pool import SearchPool


def test_an_estimator_that_was_given_back_is_lent_again():
    made = []
    pool = SearchPool(lambda: made.append(1) or object(), most=2)
    with pool.borrowed() as first:
        pass
    with pool.borrowed() as second:
        pass
    assert first is second
    assert len(made) == 1


def test_two_at_a_time_have_one_each_and_a_third_waits():
    pool, third = SearchPool(object, most=2), []

    def borrow():
        with pool.borrowed() as search:
            third.append(search)

    waiting = threading.Thread(target=borrow)
    with pool.borrowed() as one:
        with pool.borrowed() as other:
            waiting.start()
            assert one is not other
            assert third == []
        waiting.join(5)
    assert third == [other]


def test_an_estimator_comes_back_after_an_error():
    pool, lent = SearchPool(object, most=1), []

    def fail():
        with pool.borrowed() as search:
            lent.append(search)
            lent.pop(7)

    with pytest.raises(IndexError):
        fail()
    with pool.borrowed() as again:
        assert again is lent[0]
