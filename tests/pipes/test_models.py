"""Models are loaded once, whoever needs them."""

from __future__ import annotations

import threading

import pytest

from pytest_editmetrics.pipes.models import ModelStore


def test_one_model_a_key():
    store, built = ModelStore(), []

    def build(name):
        return lambda: built.append(name) or [name]

    first = store.get(("clip", "cpu"), build("a"))
    assert store.get(("clip", "cpu"), build("b")) is first
    assert store.get(("clip", "cuda:0"), build("c")) == ["c"]
    assert built == ["a", "c"]


def test_released_is_gone_for_all_and_comes_back_when_needed():
    store = ModelStore()
    model = store.get("clip", list)
    assert "clip" in store
    assert store.release("clip")
    assert "clip" not in store
    assert not store.release("clip")
    assert store.get("clip", list) is not model


def test_a_failed_load_leaves_nothing():
    store = ModelStore()
    with pytest.raises(MemoryError):
        store.get("clip", lambda: (_ for _ in ()).throw(MemoryError()))
    assert "clip" not in store
    assert store.get("clip", list) == []


def test_threads_that_need_it_at_once_load_it_once():
    store, built = ModelStore(), []
    start, loading = threading.Barrier(4), threading.Event()

    def build():
        built.append(threading.get_ident())
        loading.wait(0.2)  # long enough for the others to ask meanwhile
        return []

    def ask():
        start.wait()
        store.get("clip", build)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1
