"""What has to be true of every host."""

from modelfleet.evidence import claims
from smoke_tests.conftest import Judge


def test_host(judge: Judge, host_claim: tuple[str, None, str]) -> None:
    """The host is healthy and has room."""
    judge(claims.OF_HOSTS, *host_claim)
