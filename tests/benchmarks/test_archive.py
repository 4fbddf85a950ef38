"""The benchmark of the archive asks for the page that the daemon shows."""

from benchmarks.archive import page_ms, write_log
from daemon.archive_reader import ArchiveReader
from daemon.event_log import BegunFilter


def test_a_page_of_a_written_log_is_read_and_rendered(tmp_path):
    write_log(tmp_path, 3)
    archive = ArchiveReader(tmp_path)
    assert len(archive.page(BegunFilter()).events) == 3
    assert page_ms(archive, {"camera": "hall"}) > 0
