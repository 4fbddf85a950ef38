"""The evaluation report: what is written can be recomputed from its own predictions, and fits its schema."""

import json
from pathlib import Path

import jsonschema
import pytest

from training.measures import MeasureError
from training.report import Prediction, Report, build_report, json_schema, write_schema

DOCS = Path(__file__).parents[2] / "docs"
FIGHT = ("normal", "fight")
# The fields that design and users rely on.
PROMISED = {"task", "n", "accuracy", "precision", "recall", "f1", "auc", "ap", "per_class", "confusion"}


def prediction(name, label, fight, **changes):
    scores = {"normal": 1 - fight, "fight": fight}
    known = {
        "file": f"{name}.mp4",
        "start_s": 0.0,
        "end_s": 4.0,
        "label": label,
        "scores": scores,
        "group": name,
    }
    return Prediction(**{**known, **changes})


PREDICTIONS = [
    prediction("street", "fight", 0.9),
    prediction("bus", "fight", 0.4),
    prediction("hall", "normal", 0.2),
    prediction("yard", "normal", 0.6, fold=1),
    prediction("lobby", "fight", 0.8, fold=1),
]


def report(predictions=PREDICTIONS, labels=FIGHT):
    return build_report("fight", labels, predictions, protocol="two folds by scene", draws=50)


def test_the_report_has_the_promised_fields_and_their_values():
    written = json.loads(report().to_json())
    assert set(written) >= PROMISED
    # Right: street, hall, lobby. Taken for fights: street, yard, lobby. Of 6 pairs only bus–yard is wrong.
    assert (written["task"], written["n"], written["accuracy"]) == ("fight", 5, 0.6)
    assert (written["precision"], written["recall"]) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert written["auc"] == pytest.approx(5 / 6)
    assert written["confusion"] == [[1, 1], [1, 2]]
    assert written["per_class"]["normal"]["support"] == 2


def test_a_prediction_says_which_clip_what_is_true_and_how_likely_each_label_is():
    assert json.loads(report().to_json())["predictions"][3] == {
        "file": "yard.mp4",
        "start_s": 0.0,
        "end_s": 4.0,
        "label": "normal",
        "scores": {"normal": 0.4, "fight": 0.6},
        "group": "yard",
        "fold": 1,
        "seed": 0,
    }


def test_folds_seeds_clips_and_groups_are_counted():
    again = [one.model_copy(update={"seed": 7}) for one in PREDICTIONS]
    found = report([*PREDICTIONS, *again])
    assert (found.n, found.clips, found.groups, found.folds, found.seeds) == (10, 5, 5, 2, (0, 7))


def test_the_spread_is_over_the_accuracies_of_the_folds():
    # Two of three right, then one of two.
    accuracy = report().spread["accuracy"]
    assert accuracy.mean == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert accuracy.count == 2


def test_clips_at_a_threshold_reach_it_be_they_of_the_label_or_not():
    found = build_report(
        "fight", FIGHT, PREDICTIONS, protocol="none", draws=50, thresholds={"fight": 0.6}
    ).thresholds["fight"]
    # Of the fights 0.9, 0.4, 0.8 two reach 0.6; of the others 0.2 and 0.6 one.
    assert (found.positives, found.reached) == (3, pytest.approx(2 / 3))
    assert (found.negatives, found.reached_wrongly) == (2, 0.5)


def test_without_a_clip_of_a_label_its_share_above_the_threshold_is_null():
    (hall,) = [one for one in PREDICTIONS if one.group == "hall"]
    found = build_report("fight", FIGHT, [hall], protocol="none", draws=50, thresholds={"fight": 0.6})
    written = json.loads(found.to_json())["thresholds"]["fight"]
    assert (written["positives"], written["reached"], written["reached_wrongly"]) == (0, None, 0.0)


def test_what_cannot_be_measured_is_null_and_says_why():
    written = json.loads(report([prediction("hall", "normal", 0.2)]).to_json())
    assert written["auc"] is None
    assert written["recall_at_fpr"] == {"0.01": None, "0.02": None, "0.05": None}
    assert written["notes"]["auc"] == "normal, fight: all examples or none have this label"
    assert written["spread"]["auc"]["mean"] is None
    assert written["intervals"]["accuracy"]["note"] == "1 group cannot be resampled"


def test_a_report_without_predictions_is_a_report():
    written = json.loads(report([]).to_json())
    assert (written["n"], written["accuracy"], written["predictions"]) == (0, None, [])
    jsonschema.validate(written, json_schema())


def test_reports_fit_the_schema_and_are_read_back(tmp_path):
    report().save(tmp_path / "new" / "report.json")
    written = json.loads((tmp_path / "new" / "report.json").read_text())
    jsonschema.Draft202012Validator.check_schema(json_schema())
    jsonschema.validate(written, json_schema())
    assert Report.load(tmp_path / "new" / "report.json") == report()


@pytest.mark.parametrize(
    "change", [{"accuracy": "good"}, {"schema": 2}, {"average": "micro"}, {"surprise": 1}]
)
def test_the_schema_refuses_what_is_never_written(change):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads(report().to_json()) | change, json_schema())


def test_the_published_schema_is_that_of_the_code(tmp_path):
    write_schema(tmp_path)
    (written,) = tmp_path.iterdir()
    published = DOCS / "reports" / written.name
    assert published.read_text() == written.read_text(), "run python -m training.report docs/reports"


def test_every_field_of_the_report_is_documented():
    text = (DOCS / "evaluation.md").read_text()
    assert [field for field in json_schema()["properties"] if f"`{field}`" not in text] == []


@pytest.mark.parametrize("change", [{"label": "riot"}, {"scores": {"normal": 1.0}}])
def test_a_prediction_of_other_labels_is_refused(change):
    with pytest.raises(MeasureError, match=r"street\.mp4 is labelled"):
        report([PREDICTIONS[0].model_copy(update=change)])
