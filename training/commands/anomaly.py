"""`videobert-train anomaly`: learns what is normal in one folder, scores the frames of another."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from models.checkpoint import DEFAULT_DIR
from models.runtime import Encoder, open_encoder
from pipeline.image_folder import DEFAULT_FPS
from pipeline.replay import ReplaySettings
from training.anomaly_baselines import Rates, score_baselines
from training.anomaly_folder import Clip, Truth, load_clips, load_truth
from training.anomaly_measures import EARLY_S
from training.anomaly_pictures import top_moments, write_pictures
from training.anomaly_plots import write_curves
from training.anomaly_regions import write_regions
from training.anomaly_report import (
    DEFAULT_SIGMA_FRAMES,
    AlarmReport,
    AnomalyReport,
    Conditions,
    RankingReport,
    build_anomaly_report,
    label,
)
from training.anomaly_scores import Session, score_clips
from training.commands import SubParsers
from training.commands.footage_options import positive, progress
from training.measures import F64
from training.reports import shown

Scores = Mapping[str, Mapping[str, F64]]


# What fast movement asks for, and the rate at which the field's data sets are sampled.
DEFAULT_SAMPLE_FPS = 10.0


@dataclass(frozen=True, slots=True)
class Folders:
    """What is learned, what is scored, and what is known of the latter."""

    train: Sequence[Clip]
    test: Sequence[Clip]
    truth: Truth | None


def add(commands: SubParsers) -> None:
    """Add the command and its options."""
    parser = commands.add_parser("anomaly", help="learn what is normal in one folder, score another's frames")
    parser.add_argument("--train", type=Path, required=True, metavar="DIR", help="normal clips to learn from")
    parser.add_argument(
        "--test",
        type=Path,
        required=True,
        metavar="DIR",
        help="clips to score, with frame_labels.json or not",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there")
    parser.add_argument(
        "--fps",
        type=positive,
        default=DEFAULT_SAMPLE_FPS,
        metavar="N",
        help="sampled frames a second (%(default)g); the daemon's cameras are sampled at their sample_fps",
    )
    parser.add_argument(
        "--image-fps", type=positive, default=DEFAULT_FPS, metavar="N", help="images that make a second"
    )
    parser.add_argument(
        "--budget",
        type=positive,
        metavar="N",
        help="accepted alarms a day; by default one in what was learned",
    )
    parser.add_argument(
        "--abnormal", nargs="+", default=[], metavar="LABEL", help="labels of segments.csv that are abnormal"
    )
    parser.add_argument(
        "--early", type=_not_negative, default=EARLY_S, metavar="S", help="alarms count so early, in seconds"
    )
    parser.add_argument(
        "--sigma",
        type=_not_negative,
        default=DEFAULT_SIGMA_FRAMES,
        metavar="N",
        help="frames, for auc_offline",
    )
    parser.add_argument(
        "--leave-learned", action="store_true", help="learn nothing from the test clips, unlike live"
    )
    parser.add_argument("--baselines", action="store_true", help="score the same frames in other ways, too")
    parser.add_argument("--curves", type=Path, metavar="DIR", help="draw scores over time and the ROC there")
    parser.add_argument(
        "--pictures", type=Path, metavar="DIR", help="draw each clip's strangest moments there"
    )
    parser.add_argument(
        "--regions", type=Path, metavar="FILE", help="write where and why for each frame there"
    )
    parser.add_argument(
        "--checkpoint", type=Path, default=DEFAULT_DIR, metavar="DIR", help="whose frame encoder it is"
    )
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="what the encoder runs on"
    )
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="CPU threads of the encoder")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the table; write the report, the curves and the pictures."""
    folders = _folders(options)
    encoder = open_encoder(options.checkpoint, device=options.device, threads=options.threads)
    session, others = _score(options, folders, encoder)
    conditions = Conditions(
        checkpoint=encoder.checkpoint.title,
        encoder=encoder.name,
        train_clips=len(folders.train),
        learns_on=not options.leave_learned,
        sigma_frames=options.sigma,
        early_s=options.early,
    )
    report = build_anomaly_report(session, folders.truth, conditions, baselines=others)
    Console(width=120).print(_table(report))
    if options.json:
        report.save(options.json)
    _draw(options, session, folders.truth, others=others)
    return 0


def _folders(options: argparse.Namespace) -> Folders:
    test = load_clips(options.test)
    truth = load_truth(options.test, test, abnormal=options.abnormal)
    return Folders(load_clips(options.train), test, truth)


def _score(options: argparse.Namespace, folders: Folders, encoder: Encoder) -> tuple[Session, Scores]:
    settings = ReplaySettings(
        sample_fps=options.fps, image_fps=options.image_fps, budget_per_day=options.budget
    )
    rounds = 2 if options.baselines else 1
    with progress("anomaly", rounds * (len(folders.train) + len(folders.test))) as on_clip:
        session = score_clips(
            folders.train,
            folders.test,
            encoder=encoder,
            settings=settings,
            learns_on=not options.leave_learned,
            on_clip=on_clip,
        )
        others = _other_ways(options, folders, encoder, session=session, on_clip=on_clip)
    return session, others


def _other_ways(
    options: argparse.Namespace,
    folders: Folders,
    encoder: Encoder,
    *,
    session: Session,
    on_clip: Callable[[Path], None],
) -> Scores:
    if not options.baselines:
        return {}
    rates = Rates(options.fps, options.image_fps)
    return score_baselines(folders.train, session.clips, encoder=encoder, rates=rates, on_clip=on_clip)


def _draw(options: argparse.Namespace, session: Session, truth: Truth | None, *, others: Scores) -> None:
    labelled = [] if truth is None else [label(one, truth) for one in session.clips]
    if options.curves:
        write_curves(session.clips, labelled, options.curves, others=others)
    if options.regions:
        write_regions(session.clips, options.regions)
    if options.pictures:
        labels = {one.name: one.labels.tolist() for one in labelled}
        for one in session.clips:
            moments = top_moments(one, labels.get(one.clip.name))
            write_pictures(one, moments, options.pictures, image_fps=options.image_fps)


def _table(report: AnomalyReport) -> Table:
    drawn = Table(title=_title(report), caption=_caption(report))
    for heading in ("scores", "AUC", "AUC offline", "AP", "recall at 1 %", "2 %", "5 %"):
        drawn.add_column(heading)
    whole = RankingReport(
        auc=report.auc, auc_offline=report.auc_offline, ap=report.ap, recall_at_fpr=report.recall_at_fpr
    )
    rows = {"videobertd": whole, **{f"{name} alone": one for name, one in report.parts.items()}}
    for name, one in {**rows, **report.baselines}.items():
        values = [one.auc, one.auc_offline, one.ap, *one.recall_at_fpr.values()]
        drawn.add_row(name, *map(shown, values))
    return drawn


def _title(report: AnomalyReport) -> str:
    rate = "the checkpoint's rate" if report.sample_fps is None else f"{report.sample_fps:g} fps"
    return f"{len(report.clips)} clips, {report.frames} frames, {rate}, {report.encoder}; raw scores, pooled"


def _caption(report: AnomalyReport) -> str:
    lines = [f"{1000 * report.seconds_per_frame:.1f} ms a frame", *report.notes.values()]
    if found := report.intervals.get("auc"):
        lines.append(f"AUC over resampled clips, 95 %: {shown(found.low)} to {shown(found.high)}")
    if alarms := report.alarms:
        lines.append(f"live alarm, budget {alarms.budget_per_day:.0f} a day: {_found(alarms)}")
    return "\n".join(lines)


def _found(alarms: AlarmReport) -> str:
    return (
        f"{alarms.found} of {alarms.events} events found, median delay {shown(alarms.median_delay_s)} s,"
        f" {alarms.false_alarms} false alarms in {alarms.normal_s:.0f} s of normal footage"
    )


def _not_negative(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return number
