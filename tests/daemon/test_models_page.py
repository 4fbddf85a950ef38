"""The page's part about models: who may change them, and what it shows before and after."""

from dataclasses import replace

import pytest

from daemon.access.rights import Account, Role
from daemon.review.shelf import ShelvedModel
from models.refit_report import Figures, Progress, RefitReport, TaskRefit
from tests.backstages import IDLE, FakeBackstage
from tests.visitors import people_of

OURS = {"x-videobertd": "1"}
BEFORE = Figures(accuracy=0.75, macro_f1=0.7, auc=0.8, log_loss=0.6, caught=1.0, false=0.5)
AFTER = Figures(accuracy=0.91, macro_f1=0.9, auc=None, log_loss=0.3, caught=1.0, false=0.125)
FIGHT = TaskRefit(
    clips={"normal": 16, "fight": 8},
    groups=7,
    before=BEFORE,
    after=AFTER,
    gain=0.3,
    gain_low=0.1,
    gain_high=0.4,
    fixed=6,
    broken=0,
    is_better=True,
    reason="Better beyond the noise on held-out clips.",
)
CHANGES = [("POST", "/api/v1/models/1/use"), ("POST", "/api/v1/retrain"), ("DELETE", "/api/v1/retrain")]


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    return people_of(
        tmp_path_factory.mktemp("accounts"),
        Account("ada", Role.ADMIN),
        Account("olga", Role.OPERATOR),
        Account("alma", Role.ADMIN, frozenset({"yard"})),
    )


@pytest.fixture
def backstage():
    shown = FakeBackstage()
    report = RefitReport(base="videobert-small 1", version="1+local.1", tasks={"fight": FIGHT})
    shown.models.shelf = (ShelvedModel(1, report, has_model=True),)
    return shown


@pytest.fixture
def ask(people, backstage):
    """Ask as somebody: method, path, name."""

    def asked(method, path, name="ada", headers=OURS):
        return people.visitor(backstage, name).request(method, path, headers=headers)

    return asked


def test_an_admin_retrains_cancels_and_changes_the_model(ask, backstage):
    answers = [ask(method, path).status_code for method, path in CHANGES]
    assert (answers, backstage.models.asked) == ([200, 202, 200], [1, "retrain", "cancel"])


@pytest.mark.parametrize(("method", "path"), CHANGES)
@pytest.mark.parametrize("name", ["olga", "alma"])
def test_who_is_no_admin_of_all_cameras_changes_nothing(ask, backstage, method, path, name):
    assert ask(method, path, name).status_code == 403
    assert backstage.models.asked == []


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_without_our_header_no_model_changes(ask, backstage, method, path):
    assert ask(method, path, headers={}).status_code == 403
    assert backstage.models.asked == []


@pytest.mark.parametrize(
    ("path", "status"),
    [("/api/v1/models/9/use", 409), ("/api/v1/models/x/use", 404), ("/api/v1/models/٣/use", 404)],
)
def test_there_is_no_other_model_to_use(ask, path, status):
    assert ask("POST", path).status_code == status


def test_what_is_missing_is_said_with_the_command_that_does_it_elsewhere(ask, backstage):
    backstage.models.retraining = replace(IDLE, missing="torch is not installed", command="videobert refit")
    assert ask("POST", "/api/v1/retrain").json()["error"] == "torch is not installed"
    page = ask("GET", "/review").text
    assert "<pre>videobert refit</pre>" in page
    assert "Retrain</button>" not in page


def test_a_better_model_is_offered_with_its_figures_before_and_after(ask):
    page = ask("GET", "/review").text
    assert 'data-path="/api/v1/models/1/use">Use for fight</button>' in page
    assert "24 held-out clips of 7 cameras and days (16 normal, 8 fight)" in page
    assert '<th scope="row">accuracy</th><td>75 %</td><td>91 %</td>' in page
    assert '<th scope="row">AUC</th><td>0.80</td><td>–</td>' in page
    assert '<th scope="row">reach the threshold, wrongly</th><td>50 %</td><td>12 %</td>' in page


def test_a_model_that_is_not_better_has_figures_and_no_button(ask, backstage):
    (one,) = backstage.models.shelf
    backstage.models.shelf = (replace(one, has_model=False),)
    page = ask("GET", "/review").text
    assert "24 held-out clips" in page
    assert "/models/1/use" not in page


def test_one_can_go_back_to_the_own_model(ask, backstage):
    assert "/models/0/use" not in ask("GET", "/review").text
    backstage.models.running = 1
    page = ask("GET", "/review").text
    assert "Go back to it" in page
    assert "/models/1/use" not in page


def test_where_the_settings_decide_there_is_nothing_to_choose(ask, backstage):
    backstage.models.problem = "model.checkpoint in the settings names the model"
    page = ask("GET", "/review").text
    assert "model.checkpoint in the settings names the model." in page
    assert "data-path" not in page


def test_how_far_the_making_is_stands_on_the_page_and_in_the_answer(ask, backstage):
    progress = Progress(done=3, total=9, doing="reading clips")
    backstage.models.retraining = replace(IDLE, is_running=True, progress=progress)
    assert ask("GET", "/api/v1/models", "olga").json()["retraining"] == {
        "is_running": True,
        "progress": {"done": 3, "total": 9, "doing": "reading clips"},
        "problem": "",
        "missing": "",
    }
    page = ask("GET", "/review").text
    assert 'data-running="true"' in page
    assert 'max="9" value="3"' in page


def test_a_failure_is_told_with_where_its_log_is(ask, backstage):
    backstage.models.retraining = replace(IDLE, problem="It failed: no room", log="/data/retrain.log")
    assert "It failed: no room The log is /data/retrain.log." in ask("GET", "/review").text
