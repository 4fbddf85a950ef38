"""How the process does, for those who watch over it: metrics, health and readiness."""

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response

from daemon.access.guard import Guard
from daemon.access.limited import seen_by
from daemon.answers import Health, Readiness, as_json
from daemon.operations import Answer, ApiRoute, Open, Operation
from daemon.views import Backstage, CameraView, SystemView
from pipeline.types import CameraStatus

METRICS = Operation(
    "metrics",
    "/metrics",
    "Return all metrics for Prometheus, in the form that the caller understands.",
    (Answer("The metrics.", media_type="text/plain"),),
    role=Open.WATCHERS,
)
READINESS = Operation(
    "readiness",
    "/readyz",
    "Say whether cameras, broker and storage are as they should be.",
    (
        Answer("All is well.", Readiness),
        Answer("Something is not, and why.", Readiness, status=503),
    ),
    role=Open.WATCHERS,
)
HEALTH = Operation(
    "health",
    "/healthz",
    "Say that the process lives.",
    (Answer("It does.", Health),),
    role=Open.ANYBODY,
)


class Watch:
    """The endpoints of Prometheus, Docker, systemd and Kubernetes."""

    def __init__(self, backstage: Backstage, registry: CollectorRegistry) -> None:
        self._backstage = backstage
        self._registry = registry

    def routes(self, guard: Guard) -> list[ApiRoute]:
        """Return the addresses, each with its description."""
        return [
            guard.route(METRICS, self.metrics),
            guard.route(READINESS, self.readiness),
            guard.route(HEALTH, self.health),
        ]

    def metrics(self, request: Request) -> Response:
        """Return all metrics in the form that the caller understands."""
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(self._registry), headers={"content-type": content_type})

    def health(self, request: Request) -> Response:
        """Say that the process lives."""
        del request
        return as_json(Health())

    def readiness(self, request: Request) -> Response:
        """Say whether all is as it should be, with 503 and a reason each where it is not."""
        problems = find_problems(
            seen_by(request, self._backstage).cameras(), seen_by(request, self._backstage).system()
        )
        return as_json(Readiness(not problems, problems), status_code=503 if problems else 200)


def find_problems(cameras: tuple[CameraView, ...], system: SystemView) -> dict[str, str]:
    """Return what is not as it should be: `broker`, `storage` or `cameras.<name>`, and why."""
    own = {"broker": system.broker_problem, "storage": system.storage_problem}
    well = {CameraStatus.ONLINE, CameraStatus.DISABLED}
    theirs = {
        f"cameras.{camera.name}": f"{camera.status}: {camera.reason}" if camera.reason else str(camera.status)
        for camera in cameras
        if camera.status not in well
    }
    return {name: problem for name, problem in {**own, **theirs}.items() if problem}
