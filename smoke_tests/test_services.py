"""What has to be true of every service on every server, asked directly."""

from modelfleet.evidence import claims
from smoke_tests.conftest import Judge


def test_service(judge: Judge, service_claim: tuple[str, str, str]) -> None:
    """The server serves the model that the fleet file asks for, in its sandbox."""
    judge(claims.OF_SERVICES, *service_claim)
