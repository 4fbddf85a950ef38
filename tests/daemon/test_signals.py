import os
import signal
import threading

from daemon.signals import handled


def test_a_signal_calls_its_action_and_the_old_handler_comes_back():
    calls, before = [], signal.getsignal(signal.SIGUSR1)
    with handled({signal.SIGUSR1: lambda: calls.append("asked")}):
        os.kill(os.getpid(), signal.SIGUSR1)
        assert calls == ["asked"]
    assert signal.getsignal(signal.SIGUSR1) is before


def test_outside_the_main_thread_no_signal_is_taken():
    before, seen = signal.getsignal(signal.SIGUSR1), []

    def work():
        with handled({signal.SIGUSR1: lambda: None}):
            seen.append(signal.getsignal(signal.SIGUSR1))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]
