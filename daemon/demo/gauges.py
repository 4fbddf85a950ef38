"""The daemon's /metrics page in, the few numbers that the demo shows out."""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

from daemon.quantiles import quantile_of

TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class Gauges:
    """Frames by camera, clips kept, and the histogram of capture → acknowledgement: upper bounds → counts."""

    decoded: Mapping[str, float] = field(default_factory=dict)
    analysed: Mapping[str, float] = field(default_factory=dict)
    dropped: float = 0.0
    latency_counts: Mapping[float, float] = field(default_factory=dict)
    clips: float = 0.0

    def latency_s(self, share: float) -> float | None:
        """Return the latency that this share of the messages stays below; None before the first."""
        return quantile_of(self.latency_counts, share)


def read_gauges(port: int, *, host: str = "127.0.0.1") -> Gauges | None:
    """Return the daemon's numbers, or None while its page does not answer."""
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/metrics")
        response = connection.getresponse()
        return parse_gauges(response.read().decode()) if response.status == 200 else None
    except OSError:
        return None
    finally:
        connection.close()


def parse_gauges(text: str) -> Gauges:
    """Read a page in Prometheus' text format."""
    decoded, analysed, latency_counts, dropped, clips = {}, {}, {}, 0.0, 0.0
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            camera, stage = sample.labels.get("camera", ""), sample.labels.get("stage")
            match sample.name:
                case "videobert_frames_total" if stage == "decoded":
                    decoded[camera] = sample.value
                case "videobert_frames_total" if stage == "sampled":
                    analysed[camera] = sample.value
                case "videobert_frames_dropped_total":
                    dropped += sample.value
                case "videobert_clips_total" if sample.labels["outcome"] == "written":
                    clips += sample.value
                case "videobert_capture_to_publish_seconds_bucket":
                    latency_counts[float(sample.labels["le"])] = sample.value
    return Gauges(decoded, analysed, dropped, latency_counts, clips)
