"""The disk under pictures and clips: what goes, and what the metrics say of it."""

import os
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from daemon.event_files import EventFiles, FileKind
from daemon.evidence_room import EvidenceRoom
from pipeline.metrics import Metrics
from tests.fakes import ManualClock

CLOCK = ManualClock()
SNAPSHOTS = FileKind("snapshots", ".jpg", keep_days=1)
CLIPS = replace(SNAPSHOTS, words="clips", suffix=".mp4", keep_bytes=10)


@pytest.fixture
def kept(tmp_path):
    """Give two pictures of 4 bytes, one two days old, and two clips of 6 bytes, which are too much."""
    stores = {
        "snapshots": EventFiles(tmp_path / "snapshots", SNAPSHOTS, CLOCK),
        "clips": EventFiles(tmp_path / "clips", CLIPS, CLOCK),
    }
    for number, age_s in ((0, 2 * 86400.0), (1, 60.0)):
        event_id = f"00cpd7gq3g0123456789ab{number}"
        for name, data in (("snapshots", b"jpeg"), ("clips", b"mp4mp4")):
            stores[name].save("porch", event_id, data)
            os.utime(stores[name].find(event_id), (CLOCK.utc - age_s,) * 2)
    return stores


def room(kept, folder, min_free_bytes):
    metrics = Metrics(CollectorRegistry())
    return EvidenceRoom(kept, folder=folder, min_free_bytes=min_free_bytes, metrics=metrics), metrics.registry


def test_what_is_old_or_too_much_goes_and_what_is_left_is_measured(kept, tmp_path):
    evidence, registry = room(kept, tmp_path, 0)
    evidence.prune()
    sizes = {what: registry.get_sample_value("videobert_evidence_bytes", {"what": what}) for what in kept}
    assert sizes == {"snapshots": 4, "clips": 6}
    assert {what: evidence.size_bytes(what) for what in kept} == sizes
    assert registry.get_sample_value("videobert_evidence_evicted_total") == 0


def test_what_goes_for_lack_of_room_is_counted_and_the_room_is_told(kept, tmp_path):
    evidence, registry = room(kept, tmp_path, float("inf"))
    evidence.keep_free()
    assert registry.get_sample_value("videobert_evidence_evicted_total") == 4
    assert registry.get_sample_value("videobert_disk_free_bytes") > 0


def test_before_there_is_a_data_folder_there_is_nothing_to_tell(tmp_path):
    evidence, registry = room({}, tmp_path / "none", float("inf"))
    evidence.keep_free()
    evidence.prune()
    assert registry.get_sample_value("videobert_disk_free_bytes") == 0
