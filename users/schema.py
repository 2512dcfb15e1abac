"""The caller's headers in the OpenAPI document."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class GatewayScheme(OpenApiAuthenticationExtension):
    """X-User-Id and X-Gateway-Secret."""

    target_class = "users.authentication.GatewayAuthentication"
    name = ["gateway", "gateway_secret"]

    def get_security_requirement(self, _auto_schema: object) -> list[dict[str, list[str]]]:
        return [{"gateway": []}, {"gateway": [], "gateway_secret": []}]

    def get_security_definition(self, _auto_schema: object) -> list[dict[str, str]]:
        return [
            _header("X-User-Id", "The id of a registered user; the gateway in front of the shop sets it."),
            _header("X-Gateway-Secret", "The gateway's secret, required if GATEWAY_SECRET is set."),
        ]


def _header(name: str, description: str) -> dict[str, str]:
    return {"type": "apiKey", "in": "header", "name": name, "description": description}
