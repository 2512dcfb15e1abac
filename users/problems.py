"""Refusals of callers."""

from core.problems import CHALLENGE, BilingualText, Problem


class UntrustedGateway(Problem):
    """The request does not carry the gateway's secret."""

    code = "untrusted_gateway"
    status = 401
    title = BilingualText(
        "신뢰할 수 없는 경로로 들어온 요청이에요", "The request did not come through the gateway"
    )
    detail = BilingualText(
        "X-Gateway-Secret이 없거나 달라요. 게이트웨이를 거쳐 다시 보내 주세요.",
        "X-Gateway-Secret is missing or wrong. Send the request through the gateway.",
    )
    default_headers = {"WWW-Authenticate": CHALLENGE}
