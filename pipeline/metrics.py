"""Every Prometheus metric of the program, declared once; docs/metrics.md is held against this file."""

from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# From one stage's fraction of a millisecond up to a stalled inference thread.
STAGE_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
# Frame captured → broker's acknowledgement: one stride (1 s) is the goal, minutes mean an absent broker.
LATENCY_BUCKETS_S = (0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 2.0, 5.0, 15.0, 60.0, 300.0)
BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64)
CAMERA = ("camera",)


class Metrics:
    """The metrics on one registry; camera names are the only unbounded label."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        gauge = partial(Gauge, registry=registry)
        counter = partial(Counter, registry=registry)
        self.camera_up = gauge("videobert_camera_up", "1 while the camera delivers frames.", CAMERA)
        self.camera_reconnects = counter(
            "videobert_camera_reconnects_total", "Connections that were lost or failed.", (*CAMERA, "reason")
        )
        self.frames = counter("videobert_frames_total", "Frames by stage.", (*CAMERA, "stage"))
        self.frames_dropped = counter(
            "videobert_frames_dropped_total", "Frames that were not analysed.", (*CAMERA, "reason")
        )
        self.anomaly_score = gauge(
            "videobert_anomaly_score", "Highest anomaly score of the last three seconds, 0 to 1.", CAMERA
        )
        self.calibration_ratio = gauge(
            "videobert_calibration_ratio", "Calibration so far, 1 where the budget can be promised.", CAMERA
        )
        self.alarm_budget_used = gauge(
            "videobert_alarm_budget_used_ratio", "Alarms of the last 24 hours over the daily budget.", CAMERA
        )
        self._declare_rates()
        self._declare_notifications()
        self._declare_people_and_room()
        self.events = counter("videobert_events_total", "Events begun.", (*CAMERA, "kind", "label"))
        self.clips = counter("videobert_clips_total", "Clips of events, by outcome.", (*CAMERA, "outcome"))
        self.outbox_pending = gauge("videobert_outbox_pending", "Event messages not acknowledged yet.")
        self.outbox_errors = counter(
            "videobert_outbox_write_errors_total", "Failed writes, such as disk full."
        )
        self.mqtt_connected = gauge("videobert_mqtt_connected", "1 while the broker has accepted us.")
        self.mqtt_connect_failures = counter(
            "videobert_mqtt_connect_failures_total", "Connections refused or lost.", ("reason",)
        )
        self.model_info = gauge(
            "videobert_model_info", "Always 1; the labels name the model.", ("model", "runtime")
        )
        self._declare_histograms()

    def _declare_rates(self) -> None:
        gauge = partial(Gauge, registry=self.registry)
        self.alarm_budget = gauge("videobert_alarm_budget_per_day", "Anomaly alarms a day accepted.", CAMERA)
        self.alarms_expected = gauge(
            "videobert_alarms_expected_per_day",
            "Anomaly alarms that a day like the last would bring.",
            CAMERA,
        )
        self.alarms_actual = gauge(
            "videobert_alarms_actual_per_day", "Anomaly alarms a day in the last week, not confirmed.", CAMERA
        )

    def _declare_people_and_room(self) -> None:
        counter = partial(Counter, registry=self.registry)
        self.feedback = counter(
            "videobert_feedback_total", "What people said of alarms.", (*CAMERA, "verdict")
        )
        self.login_failures = counter(
            "videobert_login_failures_total", "Logins that were refused.", ("reason",)
        )
        self.evidence_bytes = Gauge(
            "videobert_evidence_bytes", "Pictures and clips on disk.", ("what",), registry=self.registry
        )
        self.evidence_evicted = counter(
            "videobert_evidence_evicted_total", "Pictures and clips deleted as the disk was nearly full."
        )
        self.disk_free_bytes = Gauge(
            "videobert_disk_free_bytes", "Room on the disk under data_dir.", registry=self.registry
        )

    def _declare_notifications(self) -> None:
        self.notifications = Counter(
            "videobert_notifications_total",
            "Notifications by what became of them.",
            ("notify", "outcome"),
            registry=self.registry,
        )
        self.notification_failures = Counter(
            "videobert_notification_failures_total",
            "Attempts that a service did not take.",
            ("notify", "reason"),
            registry=self.registry,
        )
        self.notify_up = Gauge(
            "videobert_notify_up",
            "1 while the service takes what it is sent.",
            ("notify",),
            registry=self.registry,
        )

    def _declare_histograms(self) -> None:
        histogram = partial(Histogram, registry=self.registry)
        self.stage_seconds = histogram(
            "videobert_stage_seconds", "Duration of one call of a stage.", ("stage",), buckets=STAGE_BUCKETS_S
        )
        self.batch_size = histogram(
            "videobert_batch_size", "Pictures per call of the frame encoder.", buckets=BATCH_BUCKETS
        )
        self.frame_to_score_seconds = histogram(
            "videobert_frame_to_score_seconds",
            "From a frame's decoding to the score that saw it.",
            buckets=LATENCY_BUCKETS_S,
        )
        self.capture_to_publish_seconds = histogram(
            "videobert_capture_to_publish_seconds",
            "From a frame's decoding to the broker's acknowledgement of its event.",
            buckets=LATENCY_BUCKETS_S,
        )

    def forget_camera(self, camera: str) -> None:
        """Remove the series of a camera that was taken out of the settings."""
        for metric in (
            self.camera_up,
            self.camera_reconnects,
            self.frames,
            self.frames_dropped,
            self.anomaly_score,
            self.calibration_ratio,
            self.alarm_budget_used,
            self.alarm_budget,
            self.alarms_expected,
            self.alarms_actual,
            self.events,
            self.clips,
            self.feedback,
        ):
            metric.remove_by_labels({"camera": camera})
