"""What has to be true of every balancer."""

from modelfleet.evidence import claims
from smoke_tests.conftest import Judge


def test_balancer(judge: Judge, balancer_claim: tuple[str, None, str]) -> None:
    """The balancer sends requests to the fleet's servers and to no other."""
    judge(claims.OF_BALANCERS, *balancer_claim)
