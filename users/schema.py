"""How the OpenAPI document names the caller's header."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class GatewayScheme(OpenApiAuthenticationExtension):
    """X-User-Id, an API key in a header."""

    target_class = "users.authentication.GatewayAuthentication"
    name = "gateway"

    def get_security_definition(self, _auto_schema: object) -> dict[str, str]:
        """An API key in the header."""
        return {
            "type": "apiKey",
            "in": "header",
            "name": "X-User-Id",
            "description": "The id of a registered user. The gateway in front of the shop sets it, and"
            " X-Gateway-Secret beside it where one is configured.",
        }
