"""The mark on disk: what it keeps, and what a file or a disk that fails costs."""

from daemon.notify.progress import MAX_OPEN, Progress, ProgressFile


def test_what_was_saved_comes_back(tmp_path):
    progress = Progress(7).tell("porch", 1000.5).decide("a", sent=True).decide("b", sent=False)
    ProgressFile(tmp_path / "notify" / "phone.json").save(progress)
    assert ProgressFile(tmp_path / "notify" / "phone.json").load(last_seq=9) == progress
    assert [path.name for path in (tmp_path / "notify").iterdir()] == ["phone.json"]


def test_an_event_that_ended_is_forgotten():
    assert Progress(1).decide("a", sent=True).decide("b", sent=True).end("a").decided == {"b": True}


def test_of_events_that_never_end_the_oldest_go():
    progress = Progress(1)
    for number in range(MAX_OPEN + 2):
        progress = progress.decide(str(number), sent=True)
    assert len(progress.decided) == MAX_OPEN
    assert "1" not in progress.decided
    assert "2" in progress.decided


def test_a_damaged_file_begins_with_what_comes_next_and_says_so(tmp_path, caplog):
    path = tmp_path / "phone.json"
    path.write_text('{"seq": "seven"')
    assert ProgressFile(path).load(last_seq=9) == Progress(9)
    assert "phone.json cannot be read: it is damaged; what comes next is notified" in caplog.text


def test_a_mark_behind_the_log_is_brought_back_to_its_end(tmp_path):
    file = ProgressFile(tmp_path / "phone.json")
    file.save(Progress(500))
    assert file.load(last_seq=3) == Progress(3)


def test_a_disk_that_refuses_the_mark_is_logged_once_and_once_when_it_takes_it(tmp_path, caplog):
    caplog.set_level("INFO")
    folder = tmp_path / "notify"
    folder.write_text("a file where the folder belongs")
    file = ProgressFile(folder / "phone.json")
    file.save(Progress(1))
    file.save(Progress(2))
    folder.unlink()
    file.save(Progress(3))
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    assert file.load(last_seq=9) == Progress(3)
