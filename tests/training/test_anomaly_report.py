"""The anomaly report: what is written can be recomputed from its own scores, and fits its schema."""

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from tests.training.anomalies import alarm, clip_scores, session
from training.anomaly_folder import Truth
from training.anomaly_report import Conditions, build_anomaly_report, json_schema, write_schema
from training.data_folder import DataError

DOCS = Path(__file__).parents[2] / "docs"
CONDITIONS = Conditions("default 0", "onnxruntime int8 cpu", train_clips=2, sigma_frames=0.0)
# What design and users rely on.
PROMISED = {"clips", "auc", "auc_offline", "ap", "recall_at_fpr", "seconds_per_frame"}
QUIET, BUSY = [0.0, 1.0, 0.0, 0.0], [0.0, 0.5, 3.0, 2.0]
TRUTH = Truth(Path("frame_labels.json"), {"quiet": np.zeros(4, int), "busy": np.array([0, 0, 1, 1])}, {})


def report(*, truth=TRUTH, alarms=(), **options):
    clips = [clip_scores("quiet", QUIET), clip_scores("busy", BUSY, alarms=alarms)]
    return build_anomaly_report(session(*clips), truth, CONDITIONS, draws=20, **options)


def written(made):
    return json.loads(made.model_dump_json(by_alias=True))


def test_the_report_has_the_promised_fields_and_the_raw_scores_of_every_frame():
    found = written(report())
    assert set(found) >= PROMISED
    assert found["clips"] == {"quiet": QUIET, "busy": BUSY}
    # Both abnormal frames lie above all six normal ones.
    assert (found["auc"], found["ap"], found["recall_at_fpr"]["0.01"]) == (1.0, 1.0, 1.0)
    assert (found["frames"], found["abnormal_frames"]) == (8, 2)
    # Half a second for eight frames.
    assert found["seconds_per_frame"] == 0.0625


def test_without_labels_there_are_scores_and_the_reason_why_nothing_is_measured():
    found = written(report(truth=None))
    assert (found["auc"], found["alarms"], found["parts"], found["abnormal_frames"]) == (None, None, {}, None)
    assert found["notes"]["auc"] == "there are no labels: nothing was measured"
    assert found["clips"]["busy"] == BUSY


def test_one_label_alone_is_said():
    truth = Truth(Path("frame_labels.json"), {name: np.zeros(4, int) for name in ("quiet", "busy")}, {})
    found = written(report(truth=truth))
    assert (found["auc"], found["notes"]["auc"]) == (None, "all frames are labelled normal")
    assert found["alarms"]["found_at_per_hour"]["1"] is None


def test_frames_that_were_not_judged_are_said():
    clips = [clip_scores("quiet", [np.nan, np.nan, 0.0, 0.0])]
    found = build_anomaly_report(session(*clips), None, CONDITIONS)
    assert found.notes["clips"] == "2 sampled frames came before the camera had learned: they have score 0"
    assert found.clips["quiet"] == (0.0, 0.0, 0.0, 0.0)


def test_parts_and_baselines_are_measured_on_the_same_frames():
    others = {"upside down": {"quiet": -np.array(QUIET), "busy": -np.array(BUSY)}}
    found = report(baselines=others)
    # Motion has half of each score, which ranks frames alike.
    assert {name: part.auc for name, part in found.parts.items()} == {"appearance": 1.0, "motion": 1.0}
    assert found.baselines["upside down"].auc == 0.0


def test_live_alarms_are_held_against_the_labelled_spans():
    found = report(alarms=[alarm(0.3, 0.4)]).alarms
    # The span begins at 0.2 s.
    assert (found.events, found.found, found.false_alarms) == (1, 1, 0)
    assert found.median_delay_s == pytest.approx(0.1)
    assert found.budget_per_day == 24.0
    # 0.4 s of the quiet clip, and 0.2 s of the busy one.
    assert found.normal_s == pytest.approx(0.6)
    assert found.clips["busy"].events[0].delay_s == pytest.approx(0.1)


def test_alarms_in_normal_clips_are_counted_apart():
    clips = [clip_scores("quiet", QUIET, alarms=[alarm(0.1, 0.2)]), clip_scores("busy", BUSY)]
    found = build_anomaly_report(session(*clips), TRUTH, CONDITIONS, draws=20).alarms
    assert (found.found, found.false_alarms, found.false_alarms_in_normal_clips) == (0, 1, 1)
    assert (found.median_delay_s, found.clips["quiet"].alarms) == (None, 1)


def test_a_clip_with_too_few_labels_is_refused():
    truth = Truth(Path("frame_labels.json"), {"quiet": np.zeros(4, int), "busy": np.zeros(3, int)}, {})
    with pytest.raises(DataError, match=r"frame_labels\.json has 3 labels of busy, which has 4 frames"):
        report(truth=truth)


@pytest.mark.parametrize("truth", [None, TRUTH])
def test_reports_fit_the_schema(tmp_path, truth):
    report(truth=truth, alarms=[alarm(0.3, 0.4)]).save(tmp_path / "new" / "report.json")
    found = json.loads((tmp_path / "new" / "report.json").read_text())
    jsonschema.Draft202012Validator.check_schema(json_schema())
    jsonschema.validate(found, json_schema())


@pytest.mark.parametrize("change", [{"auc": "good"}, {"schema": 2}, {"clips": {"a": ["high"]}}, {"more": 1}])
def test_the_schema_refuses_what_is_never_written(change):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(written(report()) | change, json_schema())


def test_the_published_schema_is_that_of_the_code(tmp_path):
    write_schema(tmp_path)
    (file,) = tmp_path.iterdir()
    published = DOCS / "reports" / file.name
    assert published.read_text() == file.read_text(), "run python -m training.anomaly_report docs/reports"


def test_every_field_of_the_report_is_documented():
    text = (DOCS / "evaluation.md").read_text()
    assert [field for field in json_schema()["properties"] if f"`{field}`" not in text] == []
